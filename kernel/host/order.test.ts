import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Node, order } from './order.ts'

test('required ones first, ties by name', () => {
  const nodes: Node[] = [
    { name: 'http', needs: ['operations'] },
    { name: 'tasks', needs: ['read-model', 'elsewhere'] },
    { name: 'read-model', needs: [] },
    { name: 'operations', needs: [] },
    { name: 'agents', needs: [] },
  ]
  expect(order(nodes)).toEqual({ sorted: ['agents', 'operations', 'http', 'read-model', 'tasks'], cycles: [] })
})

test('each cycle is told with the names along it, and what hangs on it is still sorted', () => {
  const nodes: Node[] = [
    { name: 'a', needs: ['b'] },
    { name: 'b', needs: ['c'] },
    { name: 'c', needs: ['b'] },
    { name: 'self', needs: ['self'] },
    { name: 'z', needs: [] },
  ]
  expect(order(nodes)).toEqual({ sorted: ['z', 'a'], cycles: [['b', 'c'], ['self']] })
})

const graphs = fc.array(fc.array(fc.nat(14), { maxLength: 4 }), { minLength: 1, maxLength: 15 })

test('any order of the input gives the same order, and every need comes before', () => {
  fc.assert(
    fc.property(graphs, fc.infiniteStream(fc.nat()), (graph, luck) => {
      // Needs point to smaller numbers only, so there is no cycle.
      const nodes = graph.map((needs, i) => ({ name: `p${i}`, needs: needs.filter(n => n < i).map(n => `p${n}`) }))
      const shuffled = nodes.map(node => ({ node, key: luck.next().value })).sort((a, b) => a.key - b.key)
      const { sorted, cycles } = order(nodes)
      expect(cycles).toEqual([])
      expect(order(shuffled.map(s => s.node)).sorted).toEqual(sorted)
      for (const { name, needs } of nodes) {
        for (const need of needs) expect(sorted.indexOf(need)).toBeLessThan(sorted.indexOf(name))
      }
    }),
    { seed: 7, numRuns: 200 },
  )
})

test('with cycles: every node is either sorted or in a cycle, once', () => {
  fc.assert(
    fc.property(graphs, graph => {
      const nodes = graph.map((needs, i) => ({ name: `p${i}`, needs: needs.map(n => `p${n}`) }))
      const { sorted, cycles } = order(nodes)
      expect([...sorted, ...cycles.flat()].sort()).toEqual(nodes.map(n => n.name).sort())
      for (const cycle of cycles) {
        cycle.forEach((name, i) => {
          const next = cycle[(i + 1) % cycle.length]!
          expect(nodes.find(n => n.name === name)?.needs).toContain(next)
        })
      }
    }),
    { seed: 8, numRuns: 200 },
  )
})
