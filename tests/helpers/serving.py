"""A local web server for a folder, for one test."""

import threading
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer


class Handler(SimpleHTTPRequestHandler):
    """Records the requested paths.

    If a path contains "cut", half of the file is sent. "moved?URL" is redirected to the URL.
    """

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
    """Serves a folder; yields its address and the list of requested paths."""
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
