"""A bot of discord.py's shape: it answers messages by asking a model, and says what it does on the bus.

discord.py itself, and its network, are stood in for by FakeClient, so that this runs anywhere:

    python3 discord_bot.py URL BUS

In a real bot `FakeClient` is `discord.ext.commands.Bot`, and the rest is the same.
"""
import asyncio
import sys
from types import SimpleNamespace

import aiohttp
import orbus


class FakeClient:
    """What this bot uses of discord.py: events, and a latency that is NaN until the first heartbeat."""

    def __init__(self):
        self.latency = float("nan")

    async def run_for_a_while(self):
        await self.on_ready()
        for author in ("ann", "bob", "ann"):
            await self.on_message(SimpleNamespace(author=author, channel="general", content="hello"))
            self.latency = 0.0452


class Bot(FakeClient):
    def __init__(self, url, bus):
        super().__init__()
        self.url = url
        self.bus = orbus.Producer(bot="discord", bus=bus)

    async def on_ready(self):
        self.session = orbus.instrument(aiohttp.ClientSession(), self.bus)

    async def on_message(self, message):
        self.bus.gauge("discord_latency_ms", self.latency * 1000)  # NaN is dropped and counted
        self.bus.count("messages_processed",
                       tags={"user": message.author, "channel": message.channel})
        body = {"model": "acme/large", "stream": True,
                "messages": [{"role": "user", "content": message.content}]}
        async with self.session.post(self.url + "/chat/completions", json=body) as answer:
            async for _line in answer.content:
                pass

    async def close(self):
        await self.session.close()


async def main(url, bus):
    bot = Bot(url, bus)
    await bot.run_for_a_while()
    await bot.close()
    print(bot.bus.get_performance_stats()["total_requests"], "answers,", bot.bus.dropped, "dropped")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
