"""docs/hosts/mqtt_bus.py: QoS 1 and persistent sessions, over Mosquitto."""

import unittest

import paho.mqtt.client as mqtt

from broking import BrokerTest, mqtt_server


class MqttTest(BrokerTest):
    scheme, program = "mqtt", "mqtt_bus.py"
    server = staticmethod(mqtt_server)

    def connection(self):
        client = mqtt.Client(protocol=mqtt.MQTTv5)
        client.connect("127.0.0.1", self.port)
        client.loop_start()
        self.addCleanup(client.loop_stop)
        self.addCleanup(client.disconnect)
        self.wait_until(client.is_connected, "no connection", 10)
        return client

    def publish(self, to, data):
        topic = f"replic/{to}" if to in ("patches", "pings") else f"replic/to/{to}"
        info = self.connection().publish(topic, data, qos=1)
        info.wait_for_publish(10)
        self.assertTrue(info.is_published())

    def listen(self):
        """A function that returns all (topic, bytes) that passed since."""
        found, subscribed = [], []
        client = self.connection()
        client.on_message = lambda c, d, message: found.append((message.topic, message.payload))
        client.on_subscribe = lambda *_: subscribed.append(True)
        client.subscribe("replic/#", 1)
        self.wait_until(lambda: subscribed, "no subscription", 10)
        return lambda: list(found)

    def test_hosts_and_the_broker_are_killed(self):
        self.check_kills()

    def test_the_session_holds_what_was_written_while_one_was_away(self):
        saved = self.folder / "mosquitto.db"
        _, host = self.check_away(lambda: saved.exists() and b'"t-a-20"' in saved.read_bytes())
        self.assert_stops(host)

    def test_malformed_messages_are_logged(self):
        self.check_rubbish("patches", "pings")

    def test_a_copied_file_takes_an_identity_of_its_own(self):
        self.check_copy()

    def test_a_long_catch_up(self):
        self.check_catch_up()

    def test_answers_are_addressed(self):
        passed = self.listen()
        self.check_addressed(lambda: passed)
        self.assertLess(max(len(page) for _, page in passed()), 100000)


if __name__ == "__main__":
    unittest.main()
