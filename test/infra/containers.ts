/** Starts what docker-compose.yml starts, without containers: the same command with the same environment in the assembled image, as the same
 *  user where that is possible. What a container would be given by its platform (host names, mounts, its own /tmp) is put in its place. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { durationMs, readCompose, type Service } from './compose'
import { imageEnvironment } from './dockerfile'

export interface Ground {
  /** The assembled image. */
  readonly app: string
  /** As infra/make-secrets.sh made it. */
  readonly secrets: string
  /** For each container's own /tmp. */
  readonly scratch: string
  /** `temporal:7233` → where it really is. */
  readonly hosts: Readonly<Record<string, string>>
}

export interface Container {
  readonly name: string
  readonly process: ChildProcess
  readonly environment: Readonly<Record<string, string>>
  /** All that it said so far. */
  said(): string
  /** Of that, what a program reads: not how far it is. */
  out(): string
  /** Resolves once `text` was said; rejects when it ends before. */
  says(text: string): Promise<void>
  /** What its HEALTHCHECK says. */
  health(): Promise<{ readonly healthy: boolean; readonly said: string }>
  /** `docker compose stop`: SIGTERM, and SIGKILL after the grace. */
  stop(): Promise<{ readonly code: number | null; readonly signal: string | null }>
}

const compose = readCompose()

export function serviceOf(name: string): Service {
  const service = compose.services[name]
  if (service === undefined) throw new Error(`docker-compose.yml has no service ${name}`)
  return service
}

/** What the container would be told; `also` is what only this place needs. */
export function environmentOf(ground: Ground, name: string, also: Readonly<Record<string, string>> = {}): Record<string, string> {
  const told = { ...imageEnvironment(), ...serviceOf(name).environment }
  const inPlace = Object.entries(told).map(([key, value]) => [key, put(ground, name, value)])
  return { PATH: process.env.PATH ?? '/usr/bin:/bin', ...Object.fromEntries(inPlace), ...also }
}

function put({ app, secrets, scratch, hosts }: Ground, name: string, value: string): string {
  const [path = '', rest = ''] = /^(\/app|\/run\/secrets|\/run\/databases|\/tmp)(\/.*)?$/.exec(value)?.slice(1) ?? []
  const places: Record<string, string> = {
    '/app': app,
    '/run/secrets': secrets,
    '/run/databases': join(secrets, 'databases'),
    '/tmp': scratchOf(scratch, name),
  }
  return path === '' ? (hosts[value] ?? value) : `${places[path]}${rest ?? ''}`
}

function scratchOf(scratch: string, name: string): string {
  const folder = join(scratch, name)
  mkdirSync(folder, { recursive: true })
  const { uid, gid } = identity(name)
  if (uid !== undefined && gid !== undefined) chownSync(folder, uid, gid)
  chmodSync(folder, 0o700)
  return folder
}

/** The service's own user; whoever is not root stays who they are. */
function identity(name: string): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {}
  const [uid, gid] = (serviceOf(name).user ?? '').split(':').map(Number)
  return uid === undefined || gid === undefined ? {} : { uid, gid }
}

export function startContainer(
  ground: Ground,
  name: string,
  { also = {}, args }: { also?: Readonly<Record<string, string>>; args?: readonly string[] } = {},
): Container {
  const service = serviceOf(name)
  const environment = environmentOf(ground, name, also)
  const entrypoint = service.entrypoint ?? ['/app/infra/entrypoint.sh']
  const [command = '', ...words] = [...entrypoint, ...(args ?? service.command ?? [])]
  const child = spawn('/bin/sh', [put(ground, name, command), ...words], {
    cwd: ground.app,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...identity(name),
  })
  let [said, out] = ['', '']
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text
      if (stream === child.stdout) out += text
    })
  }
  return {
    name,
    process: child,
    environment,
    said: () => said,
    out: () => out,
    async says(text) {
      while (!said.includes(text)) {
        if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}: ${said}`)
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    },
    health: () => checkHealth(ground, name, environment),
    async stop() {
      if (child.exitCode === null && child.signalCode === null) {
        const gone = once(child, 'exit')
        child.kill('SIGTERM')
        const grace = setTimeout(() => child.kill('SIGKILL'), durationMs(service.stop_grace_period ?? '10s'))
        await gone
        clearTimeout(grace)
      }
      return { code: child.exitCode, signal: child.signalCode }
    },
  }
}

/** Runs to its end. */
export async function runContainer(
  ground: Ground,
  name: string,
  args?: readonly string[],
): Promise<{ code: number | null; said: string; out: string }> {
  const container = startContainer(ground, name, args === undefined ? {} : { args })
  await once(container.process, 'close')
  return { code: container.process.exitCode, said: container.said(), out: container.out() }
}

function checkHealth(ground: Ground, name: string, env: Readonly<Record<string, string>>): ReturnType<Container['health']> {
  const [, program = '', ...words] = serviceOf(name).healthcheck?.test ?? []
  const args = words.map((word) => put(ground, name, word))
  return new Promise((resolve) => {
    execFile(program, args, { env, ...identity(name) }, (error, stdout) =>
      resolve({ healthy: error === null, said: stdout.trim() }),
    )
  })
}
