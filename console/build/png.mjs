// PNG files of pages made small: at most 256 colours, which is what letters on plain ground need.
import { crc32, deflateSync, inflateSync } from "node:zlib";

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const COLORS = 256;

/** The same picture by palette. Takes PNG of 8 bits a channel, RGB or RGBA, as browsers write it; RFC 2083. */
export function smaller(png) {
  const { width, height, pixels } = decode(png);
  const { palette, indices } = quantize(pixels);
  const rows = Buffer.alloc(height * (width + 1));
  for (let y = 0; y < height; y++) rows.set(indices.subarray(y * width, (y + 1) * width), y * (width + 1) + 1);
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 3, 0, 0, 0], 8);
  const data = deflateSync(rows, { level: 9, memLevel: 9 });
  return Buffer.concat([SIGNATURE, chunk("IHDR", head), chunk("PLTE", palette), chunk("IDAT", data), chunk("IEND", Buffer.alloc(0))]);
}

function chunk(name, data) {
  const body = Buffer.concat([Buffer.from(name, "latin1"), data]);
  const size = Buffer.alloc(4);
  size.writeUInt32BE(data.length);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([size, body, sum]);
}

/** Pixels as numbers 0xRRGGBB. */
function decode(png) {
  let at = SIGNATURE.length;
  let width = 0;
  let height = 0;
  let channels = 0;
  const data = [];
  while (at < png.length) {
    const size = png.readUInt32BE(at);
    const name = png.toString("latin1", at + 4, at + 8);
    const body = png.subarray(at + 8, at + 8 + size);
    if (name === "IHDR") {
      width = body.readUInt32BE(0);
      height = body.readUInt32BE(4);
      channels = { 2: 3, 6: 4 }[body[9]];
      if (body[8] !== 8 || channels === undefined || body[12] !== 0) throw new Error("not a picture of a page");
    } else if (name === "IDAT") data.push(body);
    at += size + 12;
  }
  const lines = inflateSync(Buffer.concat(data));
  const stride = width * channels;
  let before = Buffer.alloc(stride);
  const pixels = new Uint32Array(width * height);
  for (let y = 0; y < height; y++) {
    const line = lines.subarray(y * (stride + 1) + 1, (y + 1) * (stride + 1));
    unfilter(lines[y * (stride + 1)], line, before, channels);
    for (let x = 0; x < width; x++) {
      const i = x * channels;
      pixels[y * width + x] = (line[i] << 16) | (line[i + 1] << 8) | line[i + 2];
    }
    before = line;
  }
  return { width, height, pixels };
}

function unfilter(kind, line, above, step) {
  for (let i = 0; i < line.length; i++) {
    const a = i < step ? 0 : line[i - step];
    const b = above[i];
    const c = i < step ? 0 : above[i - step];
    if (kind === 1) line[i] += a;
    else if (kind === 2) line[i] += b;
    else if (kind === 3) line[i] += (a + b) >> 1;
    else if (kind === 4) {
      const [pa, pb, pc] = [Math.abs(b - c), Math.abs(a - c), Math.abs(a + b - 2 * c)];
      line[i] += pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
    }
  }
}

/** The colours that are there most, and for each pixel the nearest of them. */
function quantize(pixels) {
  const counts = new Map();
  for (const color of pixels) counts.set(color, (counts.get(color) ?? 0) + 1);
  const chosen = [];
  // Neighbours of a colour that is chosen already add little.
  for (const near of [24, 8, 0]) {
    for (const [color] of [...counts].sort((a, b) => b[1] - a[1])) {
      if (chosen.length === COLORS) break;
      if (!chosen.some((one) => distance(one, color) <= near)) chosen.push(color);
    }
  }
  const nearest = new Map();
  for (const color of counts.keys()) {
    let best = 0;
    for (let i = 1; i < chosen.length; i++) if (distance(chosen[i], color) < distance(chosen[best], color)) best = i;
    nearest.set(color, best);
  }
  const indices = new Uint8Array(pixels.length);
  for (let i = 0; i < pixels.length; i++) indices[i] = nearest.get(pixels[i]);
  const palette = Buffer.from(chosen.flatMap((color) => [color >> 16, (color >> 8) & 255, color & 255]));
  return { palette, indices };
}

function distance(a, b) {
  const [r, g, bl] = [(a >> 16) - (b >> 16), ((a >> 8) & 255) - ((b >> 8) & 255), (a & 255) - (b & 255)];
  return r * r + g * g + bl * bl;
}
