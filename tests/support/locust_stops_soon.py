"""Read by Locust beside the file under test: it stops after as many messages as it has users, however slow
the machine is."""

import itertools

import gevent
from locust import events


@events.init.add_listener
def stop_soon(environment, **_):
    number = itertools.count(1)

    @environment.events.request.add_listener
    def count(**_):
        if next(number) == environment.parsed_options.num_users:
            gevent.spawn(environment.runner.quit)  # not here: it ends the user whose message was counted
