# SPDX-License-Identifier: Apache-2.0
"""receiver.py OUT PORT_FILE: an HTTP receiver for alerts on loopback; one line per POST, the port it took to PORT_FILE."""

import http.server
import sys


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with open(sys.argv[1], "ab") as out:
            out.write(body.strip() + b"\n")
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


open(sys.argv[1], "ab").close()
server = http.server.HTTPServer(("127.0.0.1", 0), Receiver)
with open(sys.argv[2], "w") as port:
    port.write(str(server.server_port))
server.serve_forever()
