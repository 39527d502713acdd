// Tasks as a shop might have them: for the pictures, and for whoever tries the console.

/** Task types: where they wait, how long they run, how often they fail. */
export const TYPES = {
  "mail.send": { queue: "mail", seconds: 3, fails: 0.03, error: "smtp.example.com did not answer within 10 s" },
  "image.resize": { queue: "media", seconds: 9, fails: 0.01, error: "cannot identify image file 'uploads/8812.heic'" },
  "invoice.render": { queue: "billing", seconds: 6, fails: 0.02, error: "font 'Inter-Medium' is missing" },
  "payment.capture": { queue: "billing", seconds: 4, fails: 0.06, error: "card was declined: insufficient funds" },
  "webhook.deliver": { queue: "hooks", seconds: 2, fails: 0.08, error: "POST https://partner.example.com/orders answered 503" },
  "report.build": { queue: "reports", seconds: 40, fails: 0.02, error: "statement timeout after 30 s" },
};

const SHARES = ["mail.send", "mail.send", "mail.send", "image.resize", "image.resize", "webhook.deliver", "webhook.deliver", "payment.capture", "invoice.render", "report.build"];
const REGIONS = ["eu-west", "us-east", "ap-south"];

/** One task by chance. */
export function task(chance) {
  const type = SHARES[Math.floor(chance() * SHARES.length)];
  return {
    type,
    queue: TYPES[type].queue,
    payload: { order: 40_000 + Math.floor(chance() * 9_999), customer: `c-${Math.floor(chance() * 900 + 100)}`, attachments: [] },
    labels: { env: chance() < 0.85 ? "prod" : "staging", region: REGIONS[Math.floor(chance() * REGIONS.length)] },
    maxRetries: 2,
    retry: { initialDelay: 8 },
  };
}

/** Numbers of 0 to 1, the same for one seed (mulberry32). */
export function chances(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
