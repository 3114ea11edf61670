# SPDX-License-Identifier: Apache-2.0
"""A node of one of the servers."""
from redis_node import RedisError, RedisNode


class Node(RedisNode):
    def __init__(self, server, program, name):
        super().__init__(name=name)
        self.server, self.program = server, program

    def options(self):
        """DEBUG is not wanted, and the setting for it is younger than redis 6.0."""
        return {name: value for name, value in super().options().items() if name != "enable-debug-command"}

    def knows(self, command):
        return self.cmd("COMMAND", "INFO", command)[0] is not None

    def accepts(self, name, value):
        """Sets it; False when this server has no such setting or value."""
        try:
            self.set_config(name, value)
        except RedisError:
            return False
        return True

    def replication(self):
        return self.info("replication")

    def link_up(self):
        return self.replication().get("master_link_status") == "up"
