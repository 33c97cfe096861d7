"""The MQTT broker mosquitto with a password file and no anonymous clients."""

import secrets

from .server import Server, exchange


def connect_packet(user, password):
    """CONNECT of MQTT 3.1.1 (section 3.1) with a clean session, a user name and a password."""
    def field(text):
        return len(text).to_bytes(2, "big") + text.encode()
    rest = field("MQTT") + bytes([4, 0b11000010, 0, 60]) + field("assay-services") + field(user) + field(password)
    return bytes([0x10, len(rest)]) + rest


class Mosquitto(Server):
    name = "mosquitto"
    programs = {"mosquitto": "mosquitto", "mosquitto_passwd": "mosquitto"}

    def start(self):
        port, user, password = self.port(), "assay", secrets.token_hex(12)
        users = self.write("users", f"{user}:{password}\n")
        self.run(self.program("mosquitto_passwd"), "-U", users)
        # Started by root it would change to a user who may not read this folder.
        config = self.write("mosquitto.conf", f"""\
listener {port} 127.0.0.1
allow_anonymous false
password_file {users}
persistence false
user root
""")
        process = self.spawn("mosquitto", self.program("mosquitto"), "-c", config)
        accepted = bytes([0x20, 2, 0, 0])
        self.wait_until("an accepted CONNECT", lambda: exchange(port, connect_packet(user, password), 4) == accepted,
                        process)
        return {"ASSAY_LIVE_MQTT": f"mqtt://{user}:{password}@127.0.0.1:{port}"}
