from huey import RedisHuey

from bench.peers import ground
from bench.peers.peersite import work

ground.set_up_django()
huey = RedisHuey("h", url=ground.redis_url("huey"), results=False)

rows = huey.task()(work.rows)
call = huey.task()(work.call)
