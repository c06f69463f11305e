import { checkNames } from './check-step.js'
import type { Step } from './typed-step.js'

/** Steps one after the other: each is given what the one before gives. */
export function sequence<A, B>(name: string, a: Step<A, B>): Step<A, B>
export function sequence<A, B, C>(name: string, a: Step<A, B>, b: Step<B, C>): Step<A, C>
export function sequence<A, B, C, D>(name: string, a: Step<A, B>, b: Step<B, C>, c: Step<C, D>): Step<A, D>
export function sequence<A, B, C, D, E>(
  name: string,
  a: Step<A, B>,
  b: Step<B, C>,
  c: Step<C, D>,
  d: Step<D, E>,
): Step<A, E>
export function sequence<A, B, C, D, E, F>(
  name: string,
  a: Step<A, B>,
  b: Step<B, C>,
  c: Step<C, D>,
  d: Step<D, E>,
  e: Step<E, F>,
): Step<A, F>
export function sequence<A, B, C, D, E, F, G>(
  name: string,
  a: Step<A, B>,
  b: Step<B, C>,
  c: Step<C, D>,
  d: Step<D, E>,
  e: Step<E, F>,
  f: Step<F, G>,
): Step<A, G>
export function sequence<A, B, C, D, E, F, G, H>(
  name: string,
  a: Step<A, B>,
  b: Step<B, C>,
  c: Step<C, D>,
  d: Step<D, E>,
  e: Step<E, F>,
  f: Step<F, G>,
  g: Step<G, H>,
): Step<A, H>
export function sequence<A, B, C, D, E, F, G, H, I>(
  name: string,
  a: Step<A, B>,
  b: Step<B, C>,
  c: Step<C, D>,
  d: Step<D, E>,
  e: Step<E, F>,
  f: Step<F, G>,
  g: Step<G, H>,
  h: Step<H, I>,
): Step<A, I>
export function sequence<A, B, C, D, E, F, G, H, I, J>(
  name: string,
  a: Step<A, B>,
  b: Step<B, C>,
  c: Step<C, D>,
  d: Step<D, E>,
  e: Step<E, F>,
  f: Step<F, G>,
  g: Step<G, H>,
  h: Step<H, I>,
  i: Step<I, J>,
): Step<A, J>
export function sequence<A, B, C, D, E, F, G, H, I, J, K>(
  name: string,
  a: Step<A, B>,
  b: Step<B, C>,
  c: Step<C, D>,
  d: Step<D, E>,
  e: Step<E, F>,
  f: Step<F, G>,
  g: Step<G, H>,
  h: Step<H, I>,
  i: Step<I, J>,
  j: Step<J, K>,
): Step<A, K>
export function sequence<A, B, C, D, E, F, G, H, I, J, K, L>(
  name: string,
  a: Step<A, B>,
  b: Step<B, C>,
  c: Step<C, D>,
  d: Step<D, E>,
  e: Step<E, F>,
  f: Step<F, G>,
  g: Step<G, H>,
  h: Step<H, I>,
  i: Step<I, J>,
  j: Step<J, K>,
  k: Step<K, L>,
): Step<A, L>
export function sequence<A, B, C, D, E, F, G, H, I, J, K, L, M>(
  name: string,
  a: Step<A, B>,
  b: Step<B, C>,
  c: Step<C, D>,
  d: Step<D, E>,
  e: Step<E, F>,
  f: Step<F, G>,
  g: Step<G, H>,
  h: Step<H, I>,
  i: Step<I, J>,
  j: Step<J, K>,
  k: Step<K, L>,
  l: Step<L, M>,
): Step<A, M>
export function sequence(name: string, ...steps: readonly Step<never, unknown>[]): Step<never, unknown> {
  checkNames(name, steps)
  return { name, node: { type: 'Steps', name, steps: steps.map(({ node }) => node) } }
}
