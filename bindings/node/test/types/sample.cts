// The same types by require. Compiled only.
import orbus = require('orbus')

const bus: orbus.Producer = new orbus.Producer({ bot: 'acore' })
bus.request({ model: 'm' }).end()
void orbus.stats({ window: '1m' }).then((now: orbus.Statistics) => now.requests.total)
