/** `npm start`: everything, then the story. Afterwards it stays up until Ctrl-C, or with `--once` ends with the verdict. */
import type { EmbeddedConfig } from '../config'
import { Console } from '../story/console'
import { welcome, whatRuns } from './announce'
import { listenForInterrupt } from './interrupt'

export interface StartOptions {
  readonly once: boolean
  readonly timings: boolean
}

export async function start(config: EmbeddedConfig, _options: StartOptions): Promise<number> {
  const interrupt = listenForInterrupt()
  const console = new Console({ live: config.colour })
  const stack = await welcome(console, config, interrupt)
  if (stack === null) return 0
  console.line(whatRuns(stack))
  await interrupt.requested
  await stack.stop()
  return 0
}
