/** A real stack with the shop of `examples/`, small and at version 2, and a folder to type commands in: its own copies of what examples name. */
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { withShop } from '../../embedded/story/shop-database'
import { ShopCloud } from '../../embedded/story/shop-instance'
import { adminLogin, makeRoles, migratorLogin } from '../../embedded/story/shop-schema'
import { QUIET_SDK } from '../../embedded/worker-program'
import { capstan as inProcess } from '../client/recorded-io'
import { type CapstanStack, type CommandResult, startCapstan } from '../support/capstan-stack'
import { PATIENCE_MS } from '../support/eventually'
import { ROOT } from './examples'

const COPY = 'shop_copy'
/** Pipes and the like; and the embedded default, which inherits the environment. One of each room goes the whole way as well. */
const NEEDS_SHELL = /[|&;<>]|^capstan (up|down|status|reset|fleet check|migrate shop$|migrations apply|lab status)/

export interface Shop {
  readonly capstan: CapstanStack
  /** For commands that are not typed. */
  readonly env: Record<string, string>
  /** The shop's fleet file where an approval is required, or where a migration fails. */
  fleet(which: 'approval' | 'failing'): string
  /** For the engine alone. */
  readonly url: string
  /** Of a database that holds the same. */
  readonly copyUrl: string
  /** Runs a line as somebody would who sits in the shop's folder. */
  type(line: string, env?: Readonly<Record<string, string>>): Promise<CommandResult>
  close(): Promise<void>
}

export async function openShop(): Promise<Shop> {
  const capstan = await startCapstan()
  try {
    return await fill(capstan)
  } catch (error) {
    await capstan.close()
    throw error
  }
}

async function fill(capstan: CapstanStack): Promise<Shop> {
  const { stack, dir } = capstan
  Object.assign(process.env, QUIET_SDK)
  const folder = layOut(join(dir, 'desk'))
  const cloud = new ShopCloud(stack)
  const address = await cloud.create()
  cloud.close()
  await makeRoles(stack, address)
  hostOf(join(folder, 'fleet.yaml'), address)
  const url = `postgres://shop_migrator@${address.host}:${address.port}/shop?sslmode=disable`
  const own = {
    USER: 'alice',
    NO_COLOR: '1',
    PGPASSWORD: stack.secrets.shopMigrator,
    SHOP_ADMIN_PASSWORD: stack.secrets.shopAdmin,
    CAPSTAN_SECRET_VARIABLES: 'SHOP_ADMIN_PASSWORD',
    CAPSTAN_STATE_DIR: join(dir, 'state'),
    CAPSTAN_FLEET: join(folder, 'examples/shop/fleet.yaml'),
  }
  const path = `${join(folder, 'path')}:${process.env.PATH}`
  const type: Shop['type'] = async (line, env = {}) => {
    if (NEEDS_SHELL.test(line)) return shell(line, folder, { ...process.env, PATH: path, ...own, ...env })
    const [, ...words] = (line.match(/"[^"]*"|'[^']*'|\S+/g) ?? []).map((word) => word.replace(/^(["'])(.*)\1$/, '$2'))
    const { exit, out, err } = await inProcess(words, { env: { ...own, ...env } })
    return { code: exit, stdout: out, stderr: err }
  }
  // Here and not in a shell: that also loads the parser, which holds up everything once.
  const baseline = ['migrations', 'apply', '--url', url, '--dir', join(folder, 'migrations'), '--target', '2']
  const { exit, err } = await inProcess(baseline, { env: own })
  if (exit !== 0) throw new Error(`the shop's first two migrations failed: ${err}`)
  await withShop(address, migratorLogin(stack), (shop) => shop.script(seed()))
  const server = { ...adminLogin(stack), database: 'postgres' }
  await withShop(address, server, (master) => master.script(`CREATE DATABASE ${COPY} TEMPLATE shop`))
  const before = process.cwd()
  process.chdir(folder)
  const close = async () => {
    process.chdir(before)
    await capstan.close()
  }
  const copyUrl = url.replace('/shop?', `/${COPY}?`)
  return { capstan, env: own, fleet: (which) => join(folder, `${which}.yaml`), url, copyUrl, type, close }
}

/** A hundredth of the example's years of business. */
function seed(): string {
  const sql = readFileSync(join(ROOT, 'examples/shop/seed.sql'), 'utf8')
  return sql.replaceAll('300000', '3000').replaceAll('60000', '600').replaceAll('20000', '2000')
}

/** Commands that ask no cloud find the database by this file alone. */
function hostOf(file: string, { host, port }: { readonly host: string; readonly port: number }): void {
  const fleet = readFileSync(file, 'utf8')
  writeFileSync(file, fleet.replace('user: shop_admin', `user: shop_admin\n        host: ${host}\n        port: ${port}`))
}

function layOut(folder: string): string {
  const shop = join(folder, 'examples/shop')
  mkdirSync(join(folder, 'path'), { recursive: true })
  cpSync(join(ROOT, 'examples/shop'), shop, { recursive: true })
  writeFileSync(join(folder, 'path/capstan'), `#!/bin/sh\nexec node '${join(ROOT, 'bin/capstan.js')}' "$@"\n`, { mode: 0o755 })
  const fleet = readFileSync(join(shop, 'fleet.yaml'), 'utf8').replace('bake: 5s', 'bake: 1s')
  writeFileSync(join(shop, 'fleet.yaml'), fleet)
  writeFileSync(join(folder, 'fleet.yaml'), fleet)
  writeFileSync(join(folder, 'approval.yaml'), fleet.replace('approval: none', 'approval: required'))
  writeFileSync(join(folder, 'failing.yaml'), fleet.replace('migrations: migrations', 'migrations: failing'))
  symlinkSync(join(shop, 'migrations'), join(folder, 'migrations'))
  mkdirSync(join(folder, 'failing'))
  for (const script of ['V1__initial_schema.sql', 'V2__add_user_status.sql'])
    cpSync(join(shop, 'migrations', script), join(folder, 'failing', script))
  writeFileSync(join(folder, 'failing/V3__fails.sql'), 'ALTER TABLE nowhere ADD COLUMN something text;\n')
  return folder
}

function shell(line: string, cwd: string, env: NodeJS.ProcessEnv): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    execFile('/bin/sh', ['-c', line], { cwd, env, maxBuffer: 16e6, timeout: PATIENCE_MS }, (error, stdout, stderr) => {
      if (error !== null && typeof error.code !== 'number') return reject(error)
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr })
    })
  })
}
