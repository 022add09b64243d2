/** Starts a lab: simulated clouds on loopback over real PostgreSQL. In-process for tests; `main.ts` is the same as a process
 *  of its own. */
import { join } from 'node:path'
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import { ensureEnterable } from '../pgserver/reach'
import { serverUser } from '../pgserver/server-user'
import { Identities, type IdentityState } from './access/identities'
import { openCallLog } from './calls'
import type { SimulatedCloud } from './cloud'
import { faultOffers, instancesIn, startClouds } from './clouds'
import { serveControl } from './control-api'
import { type CloudCredentials, type LabCredentials, newCredentials } from './credentials'
import { type NameService, startNameService } from './dns/name-service'
import { type EncryptedApi, serveEncrypted } from './encrypted-api'
import { FaultBook } from './faults/book'
import { Links } from './links/links'
import { API_HOST, chooseDataPort, hostAddress, parseBlock } from './network'
import { Pace, type ProfileName } from './profile'
import { Router } from './router/router'
import { type LabState, newLabState } from './state'
import { lockState } from './state-lock'
import { openStore, type Store } from './store'
import { AUTHORITY_FILE, openAuthority } from './tls'

export interface LabOptions {
  /** All that the lab keeps. One lab at a time. */
  stateDir: string
  /** Where copies of PostgreSQL's binaries are kept, shared by all labs. */
  cacheDir: string
  /** Three numbers of 127/8, as in '127.77.3', which no other lab uses. */
  block: string
  /** 0 or absent: the one it had before, else any free one. */
  apiPort?: number
  /** 0 or absent: the one it had before, else 5432, else the next free one. */
  dataPort?: number
  profile?: ProfileName
  /** Of the jitter in the profile's times. */
  seed?: number
  log?(line: string): void
}

export interface Lab {
  /** 'http://127.77.3.1:40123' */
  api: string
  /** The same over TLS. */
  tlsApi: string
  /** Of the lab's own authority, for whoever is to believe its servers. */
  certificateFile: string
  dataPort: number
  /** Answers for the zones of all clouds, over UDP and TCP. */
  nameService: { host: string; port: number }
  credentials: CloudCredentials
  /** For the lab's own API. */
  labToken: string
  /** Stops every server and gives the state folder free. */
  stop(): Promise<void>
}

/** Resolves when the APIs listen and every instance that can run does.
 *  @throws Error when another lab uses the state folder, or a port is taken. */
export async function startLab(options: LabOptions): Promise<Lab> {
  const block = parseBlock(options.block)
  ensureEnterable(options.stateDir, serverUser())
  const lock = lockState(options.stateDir)
  try {
    const store = openStore(join(options.stateDir, 'lab.json'), () => newLabState(block))
    const kept = openStore(join(options.stateDir, 'credentials.json'), newCredentials)
    await kept.save()
    const identities = new Identities(
      openStore<IdentityState>(join(options.stateDir, 'identities.json'), () => ({ identities: {} })),
    )
    return await startOn({ store, credentials: kept.state, identities, release: lock.release }, options)
  } catch (error) {
    lock.release()
    throw error
  }
}

interface Ground {
  store: Store<LabState>
  credentials: LabCredentials
  identities: Identities
  release(): void
}

async function startOn({ store, credentials, identities, release }: Ground, options: LabOptions): Promise<Lab> {
  const { state, save, saved } = store
  if (state.version !== 2) {
    throw new Error(
      `The lab in ${options.stateDir} was made by an older version, which kept its servers elsewhere: remove that folder (capstan reset) to start over.`,
    )
  }
  if (state.block !== options.block) {
    throw new Error(
      `The lab in ${options.stateDir} lives on ${state.block}.*, not on ${options.block}.*: use that block, or another --state folder.`,
    )
  }
  const dataPort = await settleDataPort(state, options.dataPort ?? 0)
  const faults = new FaultBook(state, faultOffers(state))
  const pace = new Pace(options.profile ?? 'fast', options.seed ?? 1)
  const calls = openCallLog(join(options.stateDir, 'calls.jsonl'))
  const log = options.log ?? (() => {})
  const authority = once(() => openAuthority(options.stateDir))
  const clouds = startClouds(state, credentials, {
    faults,
    calls,
    identities,
    pace,
    stateDir: options.stateDir,
    cacheDir: options.cacheDir,
    block: state.block,
    dataPort,
    apiAddress: hostAddress(state.block, API_HOST),
    administratorPassword: state.administratorPassword,
    authority,
    save,
    saved,
    log,
  })
  const links = new Links({ book: faults, clouds, port: dataPort, save, log })
  state.routes ??= {}
  const router = new Router({ routes: state.routes, address: hostAddress(state.block, API_HOST), save, log })
  const api = Fastify({ forceCloseConnections: true })
  let encrypted: EncryptedApi | undefined
  let names: NameService | undefined
  const closeAll = async (): Promise<void> => {
    // it stops processes for a while, and one that stands still ends late
    await links.close()
    await Promise.all([api.close(), encrypted?.close(), names?.close(), router.close(), ...clouds.map((cloud) => cloud.close())])
  }
  api.addHook('onRequest', async (request, reply) => {
    if (isFromPage(request)) await reply.code(403).send({ error: 'The lab does not answer web pages.' })
  })
  try {
    // each in a scope of its own: what one does with bodies and errors concerns no other
    for (const cloud of clouds) await api.register(async (scope) => cloud.serve(scope))
    let url = ''
    let tlsUrl = ''
    const certificateFile = join(options.stateDir, AUTHORITY_FILE)
    const address = hostAddress(state.block, API_HOST)
    const places = { url: () => url, tlsUrl: () => tlsUrl, namePort: () => names?.port ?? 0, certificateFile }
    serveControl(api, { state, clouds, links, router, credentials, identities, faults, calls, pace, save, ...places })
    // listening comes last: a caller who reaches the lab finds it whole, the certificate that it has to believe included
    await Promise.all([authority(), ...clouds.map((cloud) => cloud.resume())])
    await links.settle()
    await router.resume()
    names = await answerFor(clouds, { state, host: address, log })
    state.apiPort = await listen(api, address, options.apiPort ?? 0, state.apiPort)
    encrypted = await listenEncrypted(api, { host: address, port: state.tlsPort ?? 0, authority, log })
    state.tlsPort = encrypted.port
    url = `http://${address}:${state.apiPort}`
    tlsUrl = `https://${address}:${state.tlsPort}`
    await save()
    const stop = async (): Promise<void> => {
      await closeAll()
      await save()
      calls.close()
      release()
    }
    const { labToken, ...keys } = credentials
    const nameService = { host: address, port: names.port }
    return { api: url, tlsApi: tlsUrl, certificateFile, dataPort, nameService, credentials: keys, labToken, stop: once(stop) }
  } catch (error) {
    await closeAll().catch(() => {})
    throw error
  }
}

/** Where it was before, if nobody took that place. */
async function answerFor(
  clouds: readonly SimulatedCloud[],
  { state, host, log }: { state: LabState; host: string; log(line: string): void },
): Promise<NameService> {
  const zones = () => clouds.flatMap((cloud) => cloud.zones())
  const names = await startNameService({ host, port: state.namePort ?? 0, zones, log })
  state.namePort = names.port
  return names
}

/** A page on the web must not reach the lab through a browser. Browsers send the origin with every request that could change
 *  something, and as host the name that the page was found under, even when that name was since pointed at this address. */
function isFromPage({ headers, socket }: FastifyRequest): boolean {
  const { localAddress, localPort } = socket
  const own = localPort === 80 ? [`${localAddress}:80`, localAddress] : [`${localAddress}:${localPort}`]
  return headers.origin !== undefined || !own.includes(headers.host)
}

async function settleDataPort(state: LabState, wanted: number): Promise<number> {
  // servers of an earlier lab may be running on the port it had: that it is taken then means nothing
  if (state.dataPort !== 0 && (wanted === 0 || wanted === state.dataPort)) return state.dataPort
  if (instancesIn(state).length > 0) {
    throw new Error(`The databases of this lab are on port ${state.dataPort}; reset it before moving them to ${wanted}.`)
  }
  state.dataPort = await chooseDataPort(state.block, wanted === 0 ? undefined : wanted)
  return state.dataPort
}

async function listen(api: FastifyInstance, host: string, wanted: number, before: number): Promise<number> {
  await api.listen({ host, port: wanted || before }).catch(async (error: NodeJS.ErrnoException) => {
    if (wanted !== 0 || error.code !== 'EADDRINUSE') throw error
    await api.listen({ host, port: 0 })
  })
  const address = api.server.address()
  if (typeof address !== 'object' || address === null) throw new Error('The API has no address.')
  return address.port
}

/** Where it was before, if nobody took that place. */
async function listenEncrypted(
  api: FastifyInstance,
  options: Omit<Parameters<typeof serveEncrypted>[0], 'routing'>,
): Promise<EncryptedApi> {
  const serve = (port: number): Promise<EncryptedApi> =>
    serveEncrypted({ ...options, port, routing: (request, response) => api.routing(request, response) })
  return serve(options.port).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EADDRINUSE') throw error
    return serve(0)
  })
}

/** A failure is not kept: the next caller tries again. */
function once<Result>(act: () => Promise<Result>): () => Promise<Result> {
  let done: Promise<Result> | undefined
  return () => {
    done ??= act().catch((error) => {
      done = undefined
      throw error
    })
    return done
  }
}
