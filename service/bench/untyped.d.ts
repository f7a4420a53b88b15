// What the benchmarks use of packages that come without types.

declare module 'autocannon' {
  interface Request {
    method?: string;
    path?: string;
    headers?: Record<string, string>;
    body?: string;
    setupRequest?: (request: Request) => Request;
  }
  interface Result {
    readonly non2xx: number;
    readonly errors: number;
    readonly requests: { readonly total: number; readonly average: number };
  }
  export default function autocannon(options: {
    url: string;
    connections: number;
    duration: number;
    requests: Request[];
  }): Promise<Result>;
}

declare module 'express' {
  interface Application {
    get: (path: string, handler: (request: unknown, response: { json: (body: unknown) => void }) => void) => void;
    listen: (port: number, host: string) => void;
  }
  export default function express(): Application;
}
