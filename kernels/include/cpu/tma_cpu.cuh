// The CPU device's twin of tma.cuh: copies are handed to the runtime, which does them when somebody waits.
#pragma once

namespace lab {

namespace detail {

inline lab_simt::BulkCopy tileCopy(const void* tile, const CUtensorMap& map, int x, int y, int z, int w, int v) {
  if (reinterpret_cast<size_t>(&map) % 64 != 0) {
    lab_simt::fault("misaligned-address", "TMA needs its tensor map aligned to 64 bytes.");
  }
  return {reinterpret_cast<const lab_simt::TensorMap*>(&map), nullptr, sharedAddress(tile), 0, {x, y, z, w, v}, 0};
}
inline lab_simt::BulkCopy byteCopy(const void* shared, const void* global, unsigned bytes) {
  return {nullptr, const_cast<void*>(global), sharedAddress(shared), bytes, {}, 0};
}
inline void tileRank(const CUtensorMap& map, int rank) {
  if (reinterpret_cast<const lab_simt::TensorMap&>(map).rank != rank) {
    lab_simt::fault("invalid-tensor-map", "TMA was given as many coordinates as the tensor map does not have axes.");
  }
}
inline void loadTile(const void* tile, const CUtensorMap& map, Mbarrier& full, unsigned blocks, int rank, int x, int y = 0,
                     int z = 0, int w = 0, int v = 0) {
  tileRank(map, rank);
  const lab_simt::BulkCopy copy = tileCopy(tile, map, x, y, z, w, v);
  lab_simt::hopper().bulkLoad(&copy, sharedAddress(&full), blocks);
}
inline void storeTile(const CUtensorMap& map, const void* tile, bool add, int rank, int x, int y = 0, int z = 0, int w = 0,
                      int v = 0) {
  tileRank(map, rank);
  lab_simt::BulkCopy copy = tileCopy(tile, map, x, y, z, w, v);
  copy.add = add;
  lab_simt::hopper().bulkStore(&copy);
}

}  // namespace detail

inline void tmaPrefetchMap(const CUtensorMap&) {}

#define LAB_TMA_LIST(...) __VA_ARGS__
#define LAB_TMA_RANK(RANK, PARAMETERS, COORDINATES)                                                                     \
  inline void tmaLoad(void* tile, const CUtensorMap& map, Mbarrier& full, LAB_TMA_LIST PARAMETERS, CachePolicy = {}) {  \
    detail::loadTile(tile, map, full, 0, RANK, LAB_TMA_LIST COORDINATES);                                               \
  }                                                                                                                     \
  inline void tmaLoadMulticast(void* tile, const CUtensorMap& map, Mbarrier& full, unsigned blocks,                     \
                               LAB_TMA_LIST PARAMETERS, CachePolicy = {}) {                                             \
    detail::loadTile(tile, map, full, blocks & 0xffffu, RANK, LAB_TMA_LIST COORDINATES);                                \
  }                                                                                                                     \
  inline void tmaPrefetch(const CUtensorMap&, LAB_TMA_LIST PARAMETERS) {}                                               \
  inline void tmaStore(const CUtensorMap& map, const void* tile, LAB_TMA_LIST PARAMETERS) {                             \
    detail::storeTile(map, tile, false, RANK, LAB_TMA_LIST COORDINATES);                                                \
  }                                                                                                                     \
  inline void tmaReduceAdd(const CUtensorMap& map, const void* tile, LAB_TMA_LIST PARAMETERS) {                         \
    detail::storeTile(map, tile, true, RANK, LAB_TMA_LIST COORDINATES);                                                 \
  }

LAB_TMA_RANK(1, (int x), (x))
LAB_TMA_RANK(2, (int x, int y), (x, y))
LAB_TMA_RANK(3, (int x, int y, int z), (x, y, z))
LAB_TMA_RANK(4, (int x, int y, int z, int w), (x, y, z, w))
LAB_TMA_RANK(5, (int x, int y, int z, int w, int v), (x, y, z, w, v))
#undef LAB_TMA_RANK
#undef LAB_TMA_LIST

inline void bulkLoad(void* shared, const void* global, unsigned bytes, Mbarrier& full, CachePolicy = {}) {
  const lab_simt::BulkCopy copy = detail::byteCopy(shared, global, bytes);
  lab_simt::hopper().bulkLoad(&copy, sharedAddress(&full), 0);
}
inline void bulkStore(void* global, const void* shared, unsigned bytes) {
  const lab_simt::BulkCopy copy = detail::byteCopy(shared, global, bytes);
  lab_simt::hopper().bulkStore(&copy);
}

inline void bulkCommit() { lab_simt::hopper().bulkCommit(); }
template <int Keep>
inline void bulkWait() { lab_simt::hopper().bulkWait(Keep); }
template <int Keep>
inline void bulkWaitRead() { lab_simt::hopper().bulkWait(Keep); }

}  // namespace lab
