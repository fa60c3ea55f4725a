import os

import procrastinate

from bench.peers import ground

app = procrastinate.App(
    connector=procrastinate.PsycopgConnector(
        conninfo=ground.DATABASE, max_size=int(os.environ.get("PEERS_POOL", "10"))
    )
)


@app.task
async def noop(run_id: int) -> None:
    return None


@app.task
async def call(run_id: int) -> int:
    import aiohttp

    async with aiohttp.ClientSession() as session, session.get(os.environ["PEERS_HTTP"]) as answer:
        return len(await answer.read())
