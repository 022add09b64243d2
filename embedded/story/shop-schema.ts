/** From an empty database to a shop at version 2 with its years of orders. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { failure } from '../../contracts/failures'
import type { EmbeddedConfig } from '../config'
import type { Stack } from '../stack'
import { applicationAddress, controlAddress } from '../worker-program'
import type { CommandLine } from './command-line'
import { escapeLiteral, type ShopAddress, type ShopLogin, withShop } from './shop-database'
import { SHOP, SHOP_ADMIN } from './shop-instance'

export const adminLogin = ({ block, secrets }: Stack): ShopLogin => ({
  user: SHOP_ADMIN,
  password: secrets.shopAdmin,
  database: SHOP,
  source: controlAddress(block),
})
export const migratorLogin = ({ block, secrets }: Stack): ShopLogin => ({
  user: 'shop_migrator',
  password: secrets.shopMigrator,
  database: SHOP,
  source: controlAddress(block),
})
export const applicationLogin = ({ block, secrets }: Stack): ShopLogin => ({
  user: 'shop_app',
  password: secrets.shopApp,
  database: SHOP,
  source: applicationAddress(block),
})

/** Nobody works as the master: the migrator owns the schema, the application may only use it. */
export async function makeRoles(stack: Stack, address: ShopAddress): Promise<void> {
  const { shopMigrator, shopApp } = stack.secrets
  await withShop(address, adminLogin(stack), (shop) =>
    shop.script(`
      CREATE ROLE shop_migrator LOGIN PASSWORD ${escapeLiteral(shopMigrator)};
      CREATE ROLE shop_app LOGIN PASSWORD ${escapeLiteral(shopApp)};
      GRANT shop_migrator TO ${SHOP_ADMIN};
      GRANT CREATE, TEMPORARY ON DATABASE ${SHOP} TO shop_migrator;
      GRANT CREATE, USAGE ON SCHEMA public TO shop_migrator;
      GRANT USAGE ON SCHEMA public TO shop_app;
      ALTER DEFAULT PRIVILEGES FOR ROLE shop_migrator IN SCHEMA public
        GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO shop_app;
    `),
  )
}

/** Versions 1 and 2, as the shop's team applied them long ago. */
export async function applyBaseline(
  config: EmbeddedConfig,
  commands: CommandLine,
  address: ShopAddress,
  password: string,
): Promise<void> {
  const url = `postgres://shop_migrator@${address.host}:${address.port}/${SHOP}?sslmode=disable`
  const dir = join(config.clone, 'examples', 'shop', 'migrations')
  const args = ['migrations', 'apply', '--url', url, '--dir', dir, '--target', '2']
  const { code, stderr } = await commands.run(args, undefined, { PGPASSWORD: password })
  if (code !== 0) throw failure('EMBEDDED_START_FAILED', `The shop's first two migrations failed: ${stderr}`)
}

export async function seed(config: EmbeddedConfig, stack: Stack, address: ShopAddress): Promise<void> {
  const sql = readFileSync(join(config.clone, 'examples', 'shop', 'seed.sql'), 'utf8')
  await withShop(address, migratorLogin(stack), (shop) => shop.script(sql))
}
