// Pages turned by hand.
import assert from "node:assert/strict";
import { test } from "node:test";

import { connect } from "windlass";

test("pages follow one another to the end, each task once", async () => {
  const client = await connect("memory:");
  try {
    const { taskIds } = await client.submitBatch(Array.from({ length: 5 }, () => ({ type: "a" })));
    const list = client.listTasks({ type: "a", limit: 2 });
    const seen = [];
    let cursor = null;
    for (let pages = 1; ; pages++) {
      const page = await list.page(cursor);
      assert.ok(page.tasks.length <= 2);
      seen.push(...page.tasks.map((task) => task.taskId));
      cursor = page.next;
      if (cursor === null) break;
      assert.ok(pages < 5);
    }
    assert.deepEqual(seen.toSorted(), taskIds.toSorted());
    assert.equal((await list.page()).tasks[0].taskId, seen[0]);
    await assert.rejects(list.page("c1nonsense"), { code: "invalid_argument" });
  } finally {
    await client.close();
  }
});
