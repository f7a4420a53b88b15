// What the service uses of node:http, by another way than an import: that one makes Node.js load everything that the
// module exports, its WebSocket and with it the whole of undici, which is 16 MB of memory and a tenth of the start.
export const { createServer, maxHeaderSize, ServerResponse, STATUS_CODES } = process.getBuiltinModule('node:http');
