import { writeScripts } from './tools/scripts.ts'
const [name, folder, stages, into] = process.argv.slice(2)
const n = Number(stages)
const id = JSON.parse((await import('node:fs')).readFileSync(folder + '/0/manifest.json', 'utf8')).id
const scripts = [
  { name, main: 'src/chain.ts', model: folder + '/0', vars: { MODEL: id }, isPublic: true,
    objects: { LANE: { class: 'LaneObject' }, ...Object.fromEntries(Array.from({ length: n - 1 }, (_, i) => [`STAGE_${i + 1}`, { class: 'StageObject', script: `${name}-stage-${i + 1}` }])) } },
  ...Array.from({ length: n - 1 }, (_, i) => ({ name: `${name}-stage-${i + 1}`, main: 'src/stage.ts', model: `${folder}/${i + 1}`, vars: { MODEL: id }, isPublic: false, objects: { STAGE: { class: 'StageObject' } } })),
]
for (const s of writeScripts(scripts as any, into).reverse()) console.log(s.config)
