/** Temporal's dev server as a program to start: its history in a file of ours, listening on loopback alone. */
import { Connection } from '@temporalio/client'
import type { Program } from '../processes/program'

/** Without these six each step of a runbook costs 50 to 1,000 ms: the dev server's timers and queues otherwise poll seldom,
 *  and activities are not handed out with the task that scheduled them. */
const DYNAMIC_CONFIG: Readonly<Record<string, string>> = {
  'history.timerProcessorMaxTimeShift': '"10ms"',
  'system.enableActivityEagerExecution': 'true',
  'history.timerProcessorMaxPollRPS': '1000',
  'history.transferProcessorMaxPollRPS': '1000',
  'history.timerProcessorMaxPollHostRPS': '5000',
  'history.transferProcessorMaxPollHostRPS': '5000',
}

export interface TemporalServer {
  readonly binary: string
  readonly databaseFile: string
  readonly namespace: string
  readonly port: number
  readonly uiPort: number
}

export function temporalProgram(server: TemporalServer): Program {
  const options: Record<string, string> = {
    '--db-filename': server.databaseFile,
    '--namespace': server.namespace,
    '--ip': '127.0.0.1',
    '--port': String(server.port),
    '--ui-port': String(server.uiPort),
    '--log-level': 'error',
    '--color': 'never',
  }
  const config = Object.entries(DYNAMIC_CONFIG).flatMap(([key, value]) => ['--dynamic-config-value', `${key}=${value}`])
  return {
    name: 'temporal',
    command: server.binary,
    args: ['server', 'start-dev', ...Object.entries(options).flat(), ...config],
    // A user's own Temporal profile or address must not reach the server we start.
    env: { PATH: '/usr/bin:/bin', HOME: '/nonexistent', TEMPORAL_CONFIG_FILE: '' },
    ready: { kind: 'probe', probe: () => answers(`127.0.0.1:${server.port}`, server.namespace) },
    readyTimeoutMs: 60_000,
    stopSignal: 'SIGTERM',
    // Its database holds every history.
    umask: 0o077,
  }
}

/** Whether a server answers at `address` and knows the namespace. Never throws. */
export async function answers(address: string, namespace: string): Promise<boolean> {
  let connection: Connection | undefined
  try {
    connection = await Connection.connect({ address, connectTimeout: '500ms' })
    await connection.workflowService.describeNamespace({ namespace })
    return true
  } catch {
    return false
  } finally {
    await connection?.close()
  }
}
