# prices.py
import windlass

app = windlass.App()


@app.task
def extract(source: str) -> list[int]:
    return [3, 1, 2]


@app.task
def clean(ctx: windlass.Context) -> list[int]:
    return sorted(ctx.upstream["extract"])  # a def handler: the value


@app.task
async def prices(ctx: windlass.Context, factor: float) -> list[float]:
    rows = await ctx.upstream["extract"]  # a coroutine awaits it
    return [row * factor for row in rows]


@app.task
def join(ctx: windlass.Context) -> dict[str, float]:
    return {name: sum(rows) for name, rows in ctx.upstream.items()}  # it is a mapping


@app.task(max_retries=0)
def load(ctx: windlass.Context, destination: str) -> str:
    if destination == "nowhere":
        raise LookupError("there is no such place")
    return f"{ctx.upstream['join']} to {destination}"
