/** CapabilitiesByLocation_List and CapabilitiesByServer_List: the sizes, storages and versions on offer, the same everywhere. */
import { findServer, type Operation } from '../cloud'
import { findLocation, parseLocation } from '../locations'
import { COMPUTE_SIZES, DEFAULT_SIZE, DEFAULT_STORAGE_GB, DISKS, TIERS } from '../sizes'
import type { Tier } from '../state'

export const listCapabilities: Operation = async (call) => {
  if (call.path.server !== null) findServer(call)
  else if (!findLocation(call.path.location ?? '')) parseLocation(call.path.location ?? undefined)
  const versions = Object.keys(call.cloud.versions)
  return {
    status: 200,
    body: {
      value: [
        {
          name: 'FlexibleServerCapabilities',
          supportedServerEditions: TIERS.map(edition),
          supportedServerVersions: versions.map((name) => ({ name, supportedVersionsToUpgrade: [] })),
          fastProvisioningSupported: 'Disabled',
          geoBackupSupported: 'Enabled',
          zoneRedundantHaSupported: 'Enabled',
          zoneRedundantHaAndGeoBackupSupported: 'Enabled',
          storageAutoGrowthSupported: 'Enabled',
          onlineResizeSupported: 'Enabled',
          restricted: 'Disabled',
        },
      ],
    },
  }
}

function edition(tier: Tier): object {
  return {
    name: tier,
    defaultSkuName: DEFAULT_SIZE[tier],
    supportedStorageEditions: [
      {
        name: 'ManagedDisk',
        defaultStorageSizeMb: DEFAULT_STORAGE_GB[tier] * 1024,
        supportedStorageMb: DISKS.map(([sizeGb, name, iops], index) => ({
          supportedIops: iops,
          storageSizeMb: sizeGb * 1024,
          defaultIopsTier: name,
          supportedIopsTiers: DISKS.slice(index).map(([, faster, speed]) => ({ name: faster, iops: speed })),
        })),
      },
    ],
    supportedServerSkus: COMPUTE_SIZES.filter((size) => size.tier === tier).map(({ name, cores, memoryPerCoreMb }) => ({
      name,
      vCores: cores,
      supportedMemoryPerVcoreMb: memoryPerCoreMb,
      supportedZones: ['1', '2', '3'],
      supportedHaMode: tier === 'Burstable' ? [] : ['SameZone', 'ZoneRedundant'],
    })),
  }
}
