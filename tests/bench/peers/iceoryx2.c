/*
 * iceoryx2.c: iceoryx2's publish-subscribe; the Rust side is in iceoryx2/.
 */
#include "peer.h"

void iceoryx2_drain(void);
int iceoryx2_connect(void);
void iceoryx2_send(void);
void iceoryx2_close(void);

const struct peer peer_iceoryx2 = {"iceoryx2 publish-subscribe", NULL, iceoryx2_drain,
    iceoryx2_connect, iceoryx2_send, iceoryx2_close, 1000000};
