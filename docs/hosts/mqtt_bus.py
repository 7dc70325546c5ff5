"""A peer over MQTT 5: python3 mqtt_bus.py DATABASE mqtt://HOST:PORT

Its session is persistent: the broker keeps patches for a peer that is away, and delivers each at
least once (QoS 1). A patch is acknowledged when it is in the database. Pings, requests and their
answers are not kept. Needs Debian's python3-paho-mqtt."""

import sys
import time
import urllib.parse

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

import bus

PATCHES, PINGS, TO = "replic/patches", "replic/pings", "replic/to"
KEEP_S = 7 * 24 * 3600  # the session of a peer that is away
TIMEOUT_S = 10          # the broker answers within it, or is taken for gone
MAX_BYTES, OVERHEAD_BYTES = 256 * 1024, 100


class Mqtt:
    errors = OSError

    def __init__(self, address):
        self.url = urllib.parse.urlsplit(address)
        self.client = None

    def connect(self, peer, take):
        if self.client is None:  # it remembers, then, what the broker has not acknowledged
            self.client = mqtt.Client(f"replic-{peer}", protocol=mqtt.MQTTv5)
            self.client.username_pw_set(self.url.username, self.url.password)
            self.client.on_connect = self.connected
            # The acknowledgement goes when this returns.
            self.client.on_message = lambda client, data, message: take(message.payload)
        self.max_bytes = None
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = KEEP_S
        self.client.connect(self.url.hostname, self.url.port or 1883, TIMEOUT_S, clean_start=False,
                            properties=properties)
        until = time.monotonic() + TIMEOUT_S
        while self.max_bytes is None:
            if time.monotonic() > until:
                raise TimeoutError("it says nothing")
            self.receive(0.1)
        self.subscribe(PATCHES, 1)
        self.subscribe(PINGS, 0)
        self.hear(peer)

    def connected(self, client, data, flags, reason, properties):
        if reason.value >= 0x80:
            raise ConnectionRefusedError(str(reason))
        limit = getattr(properties, "MaximumPacketSize", MAX_BYTES + OVERHEAD_BYTES)
        self.max_bytes = min(MAX_BYTES, limit - OVERHEAD_BYTES)

    def hear(self, peer):
        self.subscribe(f"{TO}/{peer}", 0)

    def subscribe(self, topic, qos):
        options = mqtt.SubscribeOptions(qos, noLocal=True)  # not what we publish ourselves
        self.client.subscribe(topic, options=options)

    def publish_patches(self, page):
        self.client.publish(PATCHES, page, qos=1)

    def publish_ping(self, page):
        self.client.publish(PINGS, page)

    def send(self, peer, page):
        self.client.publish(f"{TO}/{peer}", page)

    def receive(self, seconds):
        fault = self.client.loop(seconds)
        if fault:
            raise ConnectionError(mqtt.error_string(fault))

    def disconnect(self):
        if self.client:
            self.client.disconnect()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    bus.main(sys.argv[1], Mqtt(sys.argv[2]), sys.argv[2])
