// Run by vitest in a folder where the package is installed: its helper gives each test its own client.
import { describe, expect, vi } from "vitest";
import { test as plain } from "vitest";
import { type ClientFixture, TestClient, clientFixture } from "windlass/testing";
import { test } from "windlass/vitest";

const given: TestClient[] = [];

describe("windlass/vitest", () => {
  test("a delay passes when the clock is moved", async ({ client }) => {
    given.push(client);
    const mail = vi.fn(async ({ to }: { to: string }) => `mailed ${to}`);
    const worker = client.worker({ mail });
    void worker.run();
    const { taskId } = await client.submitTask({ type: "mail", payload: { to: "ann" }, delay: 3600 });
    expect((await client.getTaskStatus(taskId)).status).toBe("scheduled");
    await client.advance(3600);
    expect(await client.result(taskId)).toBe("mailed ann");
    expect(mail).toHaveBeenCalledTimes(1);
  });

  test("each test has a client and a store of its own, and the last one is closed", async ({ client }) => {
    expect(given).toHaveLength(1);
    expect(given[0]).not.toBe(client);
    await expect(given[0]!.counts()).rejects.toMatchObject({ code: "client_closed" });
    expect(await client.counts()).toEqual([]);
  });

  test.fails("a test that fails is told as failed, whatever the fixture does", async ({ client }) => {
    given.push(client);
    expect(await client.counts()).toEqual([1]);
  });

  plain.extend<ClientFixture>(clientFixture)("the fixture extends other tests, too", async ({ client }) => {
    await expect(given[1]!.counts()).rejects.toMatchObject({ code: "client_closed" });
    expect(client).toBeInstanceOf(TestClient);
    expect(client.clock.now()).toEqual(new Date("2030-01-01T00:00:00Z"));
  });
});
