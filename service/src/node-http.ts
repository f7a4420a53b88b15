// What the service uses of node:http. Not imported: for an import, Node.js looks at all that the module exports, its
// WebSocket as well, and so loads the whole of undici, which costs memory and time at the start.
export const { createServer, maxHeaderSize, ServerResponse, STATUS_CODES } = process.getBuiltinModule('node:http');
