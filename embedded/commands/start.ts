/** `npm start`: everything, then the story. Afterwards it stays up until Ctrl-C, or with `--once` ends with the verdict. */
import { FAILURE_KINDS, Failure } from '../../contracts/failures'
import type { EmbeddedConfig } from '../config'
import type { Stack } from '../stack'
import { Console } from '../story/console'
import { type StoryOutcome, tellStory } from '../story/story'
import { Timings } from '../story/timings'
import { welcome, whatRuns } from './announce'
import { type Interrupt, listenForInterrupt } from './interrupt'

export interface StartOptions {
  readonly once: boolean
  /** Empty the whole lab first. */
  readonly again: boolean
  readonly timings: boolean
}

export async function start(config: EmbeddedConfig, options: StartOptions): Promise<number> {
  const interrupt = listenForInterrupt()
  const console = new Console({ live: config.colour })
  const timings = new Timings()
  const stack = await timings.measure('embedded default up', () => welcome(console, config, interrupt))
  if (stack === null) return FAILURE_KINDS.aborted.exit
  try {
    console.line(whatRuns(stack))
    const outcome = await storyUntilInterrupted({ config, stack, console, timings, again: options.again }, interrupt)
    if (outcome === null) return FAILURE_KINDS.aborted.exit
    console.line(nextLine(config, outcome))
    const code = outcome.passed ? 0 : 1
    if (!options.once) {
      console.line('Everything stays up. Ctrl-C stops it.')
      if (options.timings) for (const line of timings.table()) console.line(line)
      await interrupt.requested
    }
    await timings.measure('stopped', () => stack.stop())
    if (options.once && options.timings) for (const line of timings.table()) console.line(line)
    return options.once ? code : 0
  } finally {
    await stack.stop()
  }
}

interface StoryPlace {
  readonly config: EmbeddedConfig
  readonly stack: Stack
  readonly console: Console
  readonly timings: Timings
  readonly again: boolean
}

/** Null when Ctrl-C came first. Whatever the interruption breaks on its way is not worth telling. */
async function storyUntilInterrupted(place: StoryPlace, interrupt: Interrupt): Promise<StoryOutcome | null> {
  const story = tellStory(place, interrupt.signal).catch((error: unknown) => {
    if (interrupt.signal.aborted) return null
    if (!(error instanceof Failure)) throw error
    place.console.line(`  ✘ ${error.message}`)
    place.console.line('FAIL  the story could not be told to its end')
    return { passed: false, operation: null }
  })
  return await Promise.race([story, interrupt.requested.then(() => null)])
}

function nextLine({ folders }: EmbeddedConfig, { operation }: StoryOutcome): string {
  const capstan = `${folders.stateGiven ? `CAPSTAN_STATE_DIR=${folders.state} ` : ''}node bin/capstan.js`
  const show = operation === null ? [] : [`${capstan} ops show ${operation}`]
  return `Next: ${[...show, `${capstan} migrate shop --plan --migrations examples/shop/migrations-safe`, 'README.md'].join(' · ')}`
}
