/** Regions: the name that requests use, the one that answers show, and the paired one that geo-redundant backups go to. A part of
 *  Azure's list; names are compared without spaces and case. Source: "Azure region pairs and nonpaired regions". */
import { AzureError } from './errors'
import { NAMESPACE } from './protocol/path'

const LOCATIONS = {
  australiaeast: ['Australia East', 'australiasoutheast'],
  australiasoutheast: ['Australia Southeast', 'australiaeast'],
  brazilsouth: ['Brazil South', 'southcentralus'],
  canadacentral: ['Canada Central', 'canadaeast'],
  canadaeast: ['Canada East', 'canadacentral'],
  centralindia: ['Central India', 'southindia'],
  centralus: ['Central US', 'eastus2'],
  eastasia: ['East Asia', 'southeastasia'],
  eastus: ['East US', 'westus'],
  eastus2: ['East US 2', 'centralus'],
  francecentral: ['France Central', 'francesouth'],
  germanywestcentral: ['Germany West Central', 'germanynorth'],
  japaneast: ['Japan East', 'japanwest'],
  japanwest: ['Japan West', 'japaneast'],
  koreacentral: ['Korea Central', 'koreasouth'],
  northcentralus: ['North Central US', 'southcentralus'],
  northeurope: ['North Europe', 'westeurope'],
  norwayeast: ['Norway East', 'norwaywest'],
  southcentralus: ['South Central US', 'northcentralus'],
  southeastasia: ['Southeast Asia', 'eastasia'],
  swedencentral: ['Sweden Central', 'swedensouth'],
  switzerlandnorth: ['Switzerland North', 'switzerlandwest'],
  uksouth: ['UK South', 'ukwest'],
  ukwest: ['UK West', 'uksouth'],
  westeurope: ['West Europe', 'northeurope'],
  westus: ['West US', 'eastus'],
  westus2: ['West US 2', 'westcentralus'],
  westus3: ['West US 3', 'eastus'],
} as const satisfies Record<string, readonly [string, string]>

export type Location = keyof typeof LOCATIONS

/** @throws AzureError LocationRequired, LocationNotAvailableForResourceType. */
export function parseLocation(text: string | undefined): Location {
  if (text === undefined || text === '') {
    throw new AzureError('LocationRequired', 'The location property is required for this definition.')
  }
  const found = findLocation(text)
  if (found) return found
  throw new AzureError(
    'LocationNotAvailableForResourceType',
    `The provided location '${text.slice(0, 64)}' is not available for resource type '${NAMESPACE}/flexibleServers'. List of available regions for the resource type is '${Object.keys(LOCATIONS).join(',')}'.`,
  )
}

export function findLocation(text: string): Location | undefined {
  const name = text.toLowerCase().replaceAll(' ', '')
  return Object.hasOwn(LOCATIONS, name) ? (name as Location) : undefined
}

export function displayName(location: Location): string {
  return LOCATIONS[location][0]
}

export function pairOf(location: Location): string {
  return LOCATIONS[location][1]
}
