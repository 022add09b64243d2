/** The lab as a process. One line of JSON on stdout when it is ready, with what callers
 *  must know to be let in, so that line is for its starter alone; what happens in the background on stderr. Ends with
 *  status 0 on SIGTERM or SIGINT, after all its servers. */
import { parseConfig, USAGE } from './config'
import { type LabOptions, startLab } from './start'

async function main(): Promise<void> {
  const log = (line: string): void => void process.stderr.write(`${new Date().toISOString()} ${line}\n`)
  let options: LabOptions
  try {
    options = parseConfig(process.argv.slice(2), process.env)
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n${USAGE}\n`)
    process.exitCode = 2
    return
  }
  // whoever read our messages may be gone; the databases stay
  process.stderr.on('error', () => {})
  let ending = false
  let lab: Awaited<ReturnType<typeof startLab>> | undefined
  const end = (): void => {
    ending = true
    // before it is ready there is nothing to stop by: it stops as soon as it is
    if (lab) void lab.stop().then(() => process.exit(0))
  }
  process.on('SIGTERM', end)
  process.on('SIGINT', end)
  lab = await startLab({ ...options, log })
  if (ending) return end()
  const { stop: _, ...places } = lab
  process.stdout.write(`${JSON.stringify({ ready: true, ...places })}\n`)
}

main().catch((error) => {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
  process.exit(1)
})
