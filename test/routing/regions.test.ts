// The region that is nearest to a request, by what the platform knows of it.

import { expect, test } from 'vitest'
import { REGIONS } from '../../src/protocol/ids.ts'
import { nearestRegion } from '../../src/routing/regions.ts'

test.each([
  ['Lisbon', '38.7', '-9.1', 'weur'],
  ['Kyiv', '50.4', '30.5', 'eeur'],
  ['Chicago', '41.9', '-87.6', 'enam'],
  ['Seattle', '47.6', '-122.3', 'wnam'],
  ['Lima', '-12', '-77', 'sam'],
  ['Seoul', '37.6', '127', 'apac-ne'],
  ['Jakarta', '-6.2', '106.8', 'apac-se'],
  ['Auckland', '-36.8', '174.8', 'oc'],
  ['Nairobi', '-1.3', '36.8', 'afr'],
  ['Riyadh', '24.7', '46.7', 'me'],
  ['Cape Town', '-33.9', '18.4', 'afr'],
])('%s', (_, latitude, longitude, region) => {
  expect(nearestRegion(REGIONS, { latitude, longitude })).toBe(region)
})

test('across the date line', () => {
  expect(nearestRegion(['weur', 'wnam'], { latitude: '52', longitude: '179.9' })).toBe('wnam')
})

test('else by continent, else the first', () => {
  expect(nearestRegion(['weur', 'oc'], { continent: 'OC' })).toBe('oc')
  expect(nearestRegion(['weur', 'oc'], { latitude: '', longitude: 'x', continent: 'OC' })).toBe('oc')
  expect(nearestRegion(['weur', 'oc'], { latitude: '99', longitude: '0', continent: 'T1' })).toBe('weur')
  expect(nearestRegion(['weur', 'oc'], { continent: 'toString' })).toBe('weur')
  expect(nearestRegion(['oc', 'weur'], undefined)).toBe('oc')
  expect(nearestRegion([], { continent: 'EU' })).toBeUndefined()
})
