import type { Image } from './image-file.ts';

// What commits say for programs, as trailers. They are read from any line of a message, not from its last paragraph
// alone: a squash merge puts other text behind them.

export const TRAILERS = {
  /** fastify-service:0.2.0@sha256:… */
  image: 'Image',
  /** The commit that the image was built from. */
  source: 'Source-Commit',
  /** Whoever started the command. */
  requestedBy: 'Requested-By',
  /** The cluster that ran the image before. */
  promotedFrom: 'Promoted-From',
  /** Why a rule of promotion does not hold for this commit. */
  emergency: 'Emergency',
} as const;

export type Trailers = Readonly<Partial<Record<keyof typeof TRAILERS, string | undefined>>>;

/** A text as one line of a message: control characters are spaces. */
export const oneLine = (text: string): string => text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ').trim();

/** A message with trailers, ending with a line feed. */
export function messageWith(subject: string, paragraphs: readonly string[], trailers: Trailers): string {
  return [oneLine(subject), ...paragraphs, trailerLines(trailers)].join('\n\n') + '\n';
}

/** Trailers, one a line. */
export function trailerLines(trailers: Trailers): string {
  const lines: string[] = [];
  for (const [key, name] of Object.entries(TRAILERS) as [keyof Trailers, string][]) {
    const value = trailers[key];
    if (value !== undefined) lines.push(`${name}: ${oneLine(value)}`);
  }
  return lines.join('\n');
}

/** The trailers of a message; the first of a name counts. */
export function trailersOf(message: string): Trailers {
  const found: Partial<Record<keyof Trailers, string>> = {};
  for (const [key, name] of Object.entries(TRAILERS) as [keyof Trailers, string][]) {
    const prefix = `${name}: `;
    const line = message.split('\n').find((each) => each.startsWith(prefix));
    const value = line?.slice(prefix.length).trim();
    if (value !== undefined && value !== '') found[key] = value;
  }
  return found;
}

/** An image as a trailer names it. */
export const imageReference = (app: string, { tag, digest }: Image): string => `${app}:${tag}@${digest}`;
