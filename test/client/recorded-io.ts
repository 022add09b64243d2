/** A command line run inside the test, with everything it wrote. */
import type { Io } from '../../client/cli/io'
import { runCli } from '../../client/cli/run'
import { VIGILANCE, type Vigilance } from '../../client/health-watch'

export interface CliRun {
  readonly exit: number
  readonly out: string
  readonly err: string
  /** Standard output as the one JSON document that it has to be. */
  readonly json: unknown
}

export interface CliEnvironment {
  readonly env?: Record<string, string>
  /** What the person types when asked; null: nobody can be asked. */
  readonly answer?: string | null
  readonly live?: boolean
  /** Where it differs from the program's own. */
  readonly vigilance?: Partial<Vigilance>
  /** Presses Ctrl-C when standard output contains this. */
  readonly interruptAt?: string
  /** Hears all that was written so far, on either stream, whenever something is. */
  readonly onOutput?: (text: string) => void
}

export async function capstan(args: readonly string[], environment: CliEnvironment = {}): Promise<CliRun> {
  let out = ''
  let err = ''
  const interrupts = new Set<() => void>()
  const io: Io = {
    out(text) {
      out += text
      environment.onOutput?.(out)
      const { interruptAt } = environment
      if (interruptAt !== undefined && out.includes(interruptAt)) for (const interrupt of interrupts) interrupt()
    },
    err(text) {
      err += text
      environment.onOutput?.(err)
    },
    live: environment.live ?? false,
    interactive: environment.answer != null,
    colour: false,
    columns: () => 120,
    rows: () => 40,
    progress: { live: environment.live ?? false, columns: () => 120, rows: () => 40 },
    async ask(question) {
      out += question
      return environment.answer ?? ''
    },
    onInterrupt(callback) {
      interrupts.add(callback)
      return () => interrupts.delete(callback)
    },
  }
  const exit = await runCli(args, io, { USER: 'ada', ...environment.env }, { ...VIGILANCE, ...environment.vigilance })
  return {
    exit,
    out,
    err,
    get json() {
      return JSON.parse(out)
    },
  }
}
