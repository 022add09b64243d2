/** Where a command writes to and what kind of place that is. Commands never touch `process` themselves. */
import { styleText } from 'node:util'
import { printableJson } from '../../postgres/printable'
import type { TerminalSettings } from '../config'

export interface Io {
  out(text: string): void
  err(text: string): void
  /** Standard output is a terminal that can repaint its lines. */
  readonly live: boolean
  /** A person can be asked. */
  readonly interactive: boolean
  readonly colour: boolean
  columns(): number
  rows(): number
  /** Standard error, where what is only for the eye goes while standard output may be a file. */
  readonly progress: { readonly live: boolean; columns(): number; rows(): number }
  /** Answers one question; the empty text when there was none. */
  ask(question: string): Promise<string>
  /** Calls back at Ctrl-C or SIGTERM, until the returned function is called. */
  onInterrupt(callback: () => void): () => void
}

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'

/** Styled where colours are wanted, plain elsewhere. */
export type Paint = (style: Style, text: string) => string

/** Escaped wherever a terminal would obey: JSON may be read there too. */
export function jsonLine(document: unknown): string {
  return `${printableJson(JSON.stringify(document))}\n`
}

export function paintFor(io: Pick<Io, 'colour'>): Paint {
  return io.colour ? styleText : (_style, text) => text
}

export function processIo({ dumb, ci, noColour, forceColour }: TerminalSettings): Io {
  const { stdout, stderr, stdin } = process
  // A reader that went away (`| head`) is no failure of ours.
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit()
  })
  stderr.on('error', () => undefined)
  const terminal = stdout.isTTY === true
  return {
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
    live: terminal && !dumb && !ci,
    interactive: terminal && stdin.isTTY === true && !ci,
    colour: terminal ? !noColour && !dumb : forceColour,
    // A log is not cut: whoever reads it has its own width.
    // some pseudo-terminals say that they have none
    columns: () => stdout.columns || 2000,
    rows: () => stdout.rows ?? 40,
    progress: {
      live: stderr.isTTY === true && !dumb && !ci,
      columns: () => stderr.columns || 80,
      rows: () => stderr.rows ?? 40,
    },
    ask: askOnTerminal,
    onInterrupt(callback) {
      process.on('SIGINT', callback)
      process.on('SIGTERM', callback)
      return () => {
        process.off('SIGINT', callback)
        process.off('SIGTERM', callback)
      }
    },
  }
}

async function askOnTerminal(question: string): Promise<string> {
  const { createInterface } = await import('node:readline/promises')
  const lines = createInterface({ input: process.stdin, output: process.stdout })
  const closed = new Promise<string>((resolve) => lines.once('close', () => resolve('')))
  try {
    return await Promise.race([lines.question(question), closed])
  } finally {
    lines.close()
  }
}
