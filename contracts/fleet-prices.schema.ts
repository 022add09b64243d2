/** What `fleet.yaml` says of the fleet's verifications, and what copies cost. */
import { Type } from 'typebox'
import { amount, CLOUDS, closed, duration, text } from './fleet-words.schema'

export const FleetVerification = Type.Object(
  {
    restoresPerRun: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 1000, description: 'a whole number of restores, 1 to 1000' }),
    ),
    copiesAtOnce: Type.Optional(Type.Integer({ minimum: 1, maximum: 20, description: 'a whole number of copies, 1 to 20' })),
    moneyPerNight: Type.Optional(amount('an amount above 0 such as 20.00, in the currency of prices')),
    night: Type.Optional(duration('12h')),
  },
  { ...closed, description: 'restoresPerRun, copiesAtOnce, moneyPerNight and night' },
)

const FileRegionPrices = Type.Object(
  {
    cloud: Type.Union([Type.Literal('aws'), Type.Literal('azure'), Type.Literal('gcp')], { description: CLOUDS }),
    region: text('a region as databases name it, such as eu-central-1', '^[a-z]+[a-z0-9-]*$'),
    classes: Type.Record(Type.String(), amount('the price of an hour, a number above 0 such as 0.193'), {
      minProperties: 1,
      description: 'prices of an hour by instance class, such as { db.m6g.large: 0.193 }',
    }),
    storage: amount('the price of a GiB for a month, a number such as 0.137, or 0'),
    billedAtLeast: duration('10m'),
    billedIn: duration('1s'),
  },
  { ...closed, description: 'the prices of a region, with cloud, region, classes, storage, billedAtLeast and billedIn' },
)

export const FilePrices = Type.Object(
  {
    currency: text('the three capital letters of a currency, such as EUR', '^[A-Z]{3}$'),
    regions: Type.Array(FileRegionPrices, { minItems: 1, description: 'a list with the prices of at least one region' }),
  },
  { ...closed, description: 'prices with currency and regions' },
)
