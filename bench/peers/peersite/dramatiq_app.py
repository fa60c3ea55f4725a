import dramatiq
from dramatiq.brokers.redis import RedisBroker

from bench.peers import ground
from bench.peers.peersite import work

ground.set_up_django()
dramatiq.set_broker(RedisBroker(url=ground.redis_url("dramatiq")))

rows = dramatiq.actor(work.rows)
call = dramatiq.actor(work.call)
