/** A fleet file of a shop on AWS that declares a standby on Azure. */
import { smallest } from './fleet-file'

export const STANDBY = `  - name: shop-azure
    cloud: azure
    account: 3f2c1a9e-0b4d-4c57-9d3e-6a1b2c3d4e5f
    resourceGroup: shop
    region: westeurope
    instance: shop-az
    database: shop
    environment: production
    connections:
      admin: { user: a, secret: env:AZ }
      migrator: { user: m, secret: env:MZ }
    canary: { networks: [10.1.2.0/24] }
`

export const PUBLISHER = '{ user: shop_replicator, secret: env:R, tls: require }'
export const standbyOf = (database: string, more = 'maxRetained: 20GB') =>
  `{ database: ${database}, publisher: ${PUBLISHER}, ${more} }`

/** `standbys`: as the file has them, of the shop. `others`: further entries. */
export const fleetWith = (standbys: string, others = STANDBY) => `${smallest}    standbys: [${standbys}]\n${others}`
