# photos.py
import windlass

app = windlass.App()                       # argument, WINDLASS_URL, WINDLASS_API_ENDPOINT, else sqlite:windlass.db

@app.task(max_retries=3, timeout=30)
async def thumbnail(ctx, path: str, width: int = 320):
    await ctx.progress(50, "decoded")
    return {"path": path, "width": width}
