/** The fleet file of two databases of the bank, in two clouds, either of which may follow the other. */
import { controlAddress } from '../../embedded/worker-program'
import type { CapstanStack } from '../support/capstan-stack'

export const CLOUDS = ['aws', 'azure', 'gcp'] as const
export type Cloud = (typeof CLOUDS)[number]

/** Its name in the fleet file. */
export const nameIn = (cloud: Cloud): string => `bank-${cloud}`

const MASTERS: Readonly<Record<Cloud, string>> = {
  aws: '{ user: stock_admin, secret: "env:SHOP_ADMIN_PASSWORD", tls: require }',
  azure: '{ user: stock_admin, secret: "env:SHOP_MASTER_PASSWORD", tls: require }',
  gcp: '{ user: postgres, secret: "env:SHOP_MASTER_PASSWORD", tls: disable }',
}
const TLS: Readonly<Record<Cloud, string>> = { aws: 'require', azure: 'require', gcp: 'disable' }

function placeOf(cloud: Cloud, { stack }: CapstanStack): string {
  if (cloud === 'aws') return 'account: "000000000000"\n    region: us-east-1'
  if (cloud === 'azure')
    return `account: "${stack.lab.azure.subscriptionId}"\n    resourceGroup: shop-group\n    region: westeurope`
  return `account: "${stack.lab.gcp.projectId}"\n    region: europe-west3`
}

function entry(cloud: Cloud, capstan: CapstanStack, more: string): string {
  const network = `${controlAddress(capstan.stack.block)}/32`
  return `  - name: ${nameIn(cloud)}
    cloud: ${cloud}
    ${placeOf(cloud, capstan)}
    instance: stock
    database: stock
    environment: production
    connections:
      admin: ${MASTERS[cloud]}
      migrator: { user: stock_migrator, secret: "env:SHOP_MIGRATOR_PASSWORD", tls: ${TLS[cloud]} }
${more}    canary:
      ${cloud === 'aws' ? 'securityGroups: [sg-canary]' : `networks: [${network}]`}
`
}

/** `router`: the name that applications connect to. */
export function bankFleet(capstan: CapstanStack, source: Cloud, standby: Cloud, router: string): string {
  const declared = `    migrations: migrations
    checks:
      rowCounts: [public.accounts]
    standbys:
      - database: ${nameIn(standby)}
        publisher: ${MASTERS[source]}
        maxRetained: 256MB
        maxLag: 30s
        wayBack: ${MASTERS[standby]}
    endpoint: { kind: lab-router, name: ${router} }
`
  return `version: 1\ndatabases:\n${entry(source, capstan, declared)}${entry(standby, capstan, '')}`
}
