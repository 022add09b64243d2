/** `node dist/workers/health-check.js`: what a container's HEALTHCHECK runs. Reads the worker's latest report from CAPSTAN_HEALTH_FILE;
 *  exits with 0 when it is fresh and without problems, otherwise says what is wrong and exits with 1. */
import { readFileSync } from 'node:fs'
import type { HealthReport } from './health'

/** Six reports. */
const AGE_MAX_MS = 30_000

export function readHealth(file: string | undefined, now: number): readonly string[] {
  if (!file) return ['CAPSTAN_HEALTH_FILE is not set, so this worker reports no health.']
  let report: HealthReport
  try {
    report = JSON.parse(readFileSync(file, 'utf8')) as HealthReport
  } catch {
    return [`The worker has not reported its health to ${file} yet, or has stopped.`]
  }
  const ageMs = now - Date.parse(report.at)
  if (!(ageMs < AGE_MAX_MS)) return [`The worker's last report is of ${report.at}: it hangs, or is gone.`]
  return report.problems
}

if (require.main === module) {
  const problems = readHealth(process.env.CAPSTAN_HEALTH_FILE, Date.now())
  process.stdout.write(problems.length === 0 ? 'healthy\n' : `${problems.join('\n')}\n`)
  process.exitCode = problems.length === 0 ? 0 : 1
}
