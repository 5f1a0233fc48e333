"""An HTTP server on bare sockets for tests that compare what clients send and receive, byte for byte.

Its answers (see ANSWERS) come in the very pieces that are written here, and each request is kept as it
came, under the number that its query `?n=` says."""
import gzip
import re
import socket
import ssl
import threading
import time

from openrouter import ABORT, COMMENT, DONE, HANG, Reply, chunk, completion, stream

SSE, JSON = "text/event-stream", "application/json"
WORDS = b"".join(chunk(f"word{n} ") for n in range(40)) + DONE


def head(status="200 OK", *headers, length=None):
    lines = [f"HTTP/1.1 {status}", "X-Generation-Id: gen-1700000000-header", *headers]
    lines.append("Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def whole(body, *headers, status="200 OK", content_type=JSON):
    """An answer that is sent at once."""
    return [head(status, f"Content-Type: {content_type}", *headers, length=len(body)) + body]


def chunked(parts, *headers, status="200 OK", content_type=SSE, end=b"0\r\n\r\n"):
    """An answer of which each part is sent by itself."""
    framed = [b"%x\r\n%s\r\n" % (len(part), part) if isinstance(part, bytes) else part
              for part in parts if part != b""]
    return [head(status, f"Content-Type: {content_type}", *headers), *framed, end]


def of_reply(reply: Reply):
    """One of the conformance table's."""
    headers = [f"{name}: {value}" for name, value in reply.headers.items()]
    return chunked(reply.parts, *headers, status=f"{reply.status} {reply.reason or 'Reason'}",
                   content_type=reply.content_type)


def _range(request):
    found = re.search(rb"\r\nRange: bytes=(\d+)-(\d*)", request)
    body = completion().parts[0]
    if not found:
        return whole(body, "Accept-Ranges: bytes")
    first, last = int(found[1]), int(found[2] or len(body) - 1)
    return whole(body[first:last + 1], f"Content-Range: bytes {first}-{last}/{len(body)}",
                 status="206 Partial Content")


def _compressed(request):
    if not re.search(rb"(?i)\r\nAccept-Encoding:[^\r]*gzip", request):
        return chunked(stream().parts)
    body = gzip.compress(b"".join(stream().parts), mtime=0)
    return chunked([body[:20], body[20:]], "Content-Encoding: gzip")


def _guarded(request):
    if b"\r\nAuthorization: Basic " in request:
        return whole(completion().parts[0])
    return whole(b'{"error": {"message": "who?", "code": 401}}', 'WWW-Authenticate: Basic realm="r"',
                 status="401 Unauthorized")


def _redirect(request):
    return whole(b"elsewhere", "Location: /answer?n=" + number_of(request), "Set-Cookie: way=round; path=/",
                 status="302 Found", content_type="text/plain")


ANSWERS = {
    "answer": lambda _: whole(completion().parts[0]),
    "stream": lambda _: chunked(stream().parts),
    "slow": lambda _: chunked([part for piece in stream().parts for part in (piece, 0.02)]),
    "long": lambda _: whole(WORDS, content_type=SSE),
    "empty": lambda _: whole(b""),
    "nothing": lambda _: [b"HTTP/1.1 204 No Content\r\n\r\n"],
    "missing": lambda _: whole(b'{"error": {"message": "no such thing", "code": 404}}', status="404 Not Found"),
    "busy": lambda _: whole(b'{"error": {"message": "later", "code": 429}}', "Retry-After: 7",
                            status="429 Too Many Requests"),
    "hang": lambda _: chunked([chunk("Hello"), HANG]),
    "silence": lambda _: [HANG],
    "drip": lambda _: chunked([chunk("Hello"), *[COMMENT, 0.7] * 8]),
    "cut": lambda _: chunked([chunk("Hello"), chunk(" there"), ABORT]),
    "trailers": lambda _: chunked(stream().parts, "Trailer: X-Sum", end=b"0\r\nX-Sum: 42\r\n\r\n"),
    "cookies": lambda _: whole(completion().parts[0], "Set-Cookie: a=1; path=/", "Set-Cookie: b=2; path=/"),
    "many-headers": lambda _: whole(completion().parts[0], *[f"X-Many-{n}: {n}" for n in range(1000)]),
    "old": lambda _: [b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n" + completion().parts[0]],
    "range": _range,
    "compressed": _compressed,
    "guarded": _guarded,
    "redirect": _redirect,
}


def number_of(request):
    found = re.search(rb"[?&]n=(\d+)", request.split(b"\r\n", 1)[0])
    return found[1].decode() if found else "0"


class PlainServer:
    """The server, a thread a connection; with a certificate (its file and its key's) it speaks TLS."""

    def __init__(self, certificate=None, more=None):
        self.answers = {**ANSWERS, **(more or {})}
        self.requests = {}  # by number, in order
        self._context = None
        if certificate:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(*certificate)
        self._stopped = threading.Event()
        self._lock = threading.Lock()

    def __enter__(self):
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._stopped.set()
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def forget(self):
        with self._lock:
            self.requests = {}

    def _accept(self):
        while not self._stopped.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._context:
                connection = self._context.wrap_socket(connection, server_side=True)
            with connection:
                left = b""
                while True:
                    request, left = self._read(connection, left)
                    if not request or not self._answer(connection, request):
                        return
        except (OSError, ValueError):
            pass  # the client has gone

    def _read(self, connection, got):
        """A request as it came, and what came after it."""
        def until(mark):
            nonlocal got
            while mark not in got:
                more = connection.recv(65536)
                if not more:
                    raise OSError("gone")
                got += more
            at = got.index(mark) + len(mark)
            piece, got = got[:at], got[at:]
            return piece
        request = until(b"\r\n\r\n")
        if re.search(rb"(?i)\r\nExpect: *100-continue", request):
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        length = re.search(rb"(?i)\r\nContent-Length: *(\d+)", request)
        if re.search(rb"(?i)\r\nTransfer-Encoding: *chunked", request):
            while True:
                line = until(b"\r\n")
                request += line
                if int(line, 16) == 0:
                    break
                size = int(line, 16) + 2
                while len(got) < size:
                    got += connection.recv(65536)
                request, got = request + got[:size], got[size:]
            while not request.endswith(b"\r\n\r\n"):
                request += until(b"\r\n")
        elif length:
            while len(got) < int(length[1]):
                more = connection.recv(65536)
                if not more:
                    raise OSError("gone")
                got += more
            request, got = request + got[:int(length[1])], got[int(length[1]):]
        return request, got

    def _answer(self, connection, request):
        with self._lock:
            self.requests.setdefault(number_of(request), []).append(request)
        line = request.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
        if line[0] == "CONNECT":
            connection.sendall(b"HTTP/1.1 200 Connection established\r\nX-Proxy: 1\r\n\r\n")
            return True
        path = re.sub(r"^\w+://[^/]*", "", line[1]).split("?")[0].strip("/")
        parts = self.answers.get(path, self.answers["missing"])(request)
        is_head = line[0] == "HEAD"
        for part in parts[:1] if is_head else parts:
            if part is HANG:
                self._stopped.wait(20)
                return False
            if part is ABORT:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                return False
            if isinstance(part, (int, float)):
                time.sleep(part)
            elif is_head:
                connection.sendall(part.split(b"\r\n\r\n")[0] + b"\r\n\r\n")
            else:
                connection.sendall(part)
        return not parts[0].startswith(b"HTTP/1.0") if isinstance(parts[0], bytes) else False
