/** Passes the stream on, with its failures translated. */
export async function* translateErrors<T>(
  stream: AsyncIterable<T>,
  translate: (error: unknown) => unknown,
): AsyncGenerator<T> {
  try {
    yield* stream
  } catch (error) {
    throw translate(error)
  }
}
