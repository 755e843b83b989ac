"""A web server for a folder, on this machine and for one test."""

import threading
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer


class Handler(SimpleHTTPRequestHandler):
    """Notes what is asked for; of a file with "cut" in its name it sends half, and from
    "moved?URL" it leads to another address."""

    def do_GET(self):
        self.server.asked.append(self.path)
        path, _, target = self.path.partition('?')
        if path == '/moved':
            self.send_response(302)
            self.send_header('Location', target)
            self.end_headers()
        else:
            super().do_GET()

    def copyfile(self, source, target):
        content = source.read()
        target.write(content[: len(content) // 2] if 'cut' in self.path else content)

    def log_message(self, *args):
        pass


@contextmanager
def serving(folder):
    """The address of the folder, and a list of what was asked for."""
    server = ThreadingHTTPServer(('localhost', 0), partial(Handler, directory=folder))
    server.asked = []
    thread = threading.Thread(target=server.serve_forever, args=[0.01])
    thread.start()
    try:
        yield f'http://localhost:{server.server_port}', server.asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
