import { Client } from "windlass-web";

const client = new Client("https://tasks.example.com", { apiKey });

const { key } = await client.submitTask({ type: "note", payload: { text }, offline: true });

// Later, when the server has it:
const { taskId } = await client.outbox.sent(key);
