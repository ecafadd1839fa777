// The CPU device's twin of mbarrier.cuh: the runtime keeps phase, counts and bytes in the barrier's own eight bytes, and
// tells the lens who knows what after whom.
#pragma once

namespace lab {

inline void mbarrierInit(Mbarrier& barrier, unsigned count) {
  lab_simt::hopper().mbarrierInit(sharedAddress(&barrier), count);
}
inline void mbarrierInitFence() {}
inline void mbarrierInvalidate(Mbarrier& barrier) { lab_simt::hopper().mbarrierInvalidate(sharedAddress(&barrier)); }

inline void mbarrierArrive(Mbarrier& barrier, unsigned count = 1) {
  lab_simt::hopper().mbarrierArrive(sharedAddress(&barrier), count);
}
inline void mbarrierArriveRemote(Mbarrier& barrier, unsigned rank, unsigned count = 1) {
  lab_simt::hopper().mbarrierArrive(peerAddress(sharedAddress(&barrier), rank), count);
}
inline void mbarrierExpect(Mbarrier& barrier, unsigned bytes) {
  lab_simt::hopper().mbarrierExpect(sharedAddress(&barrier), bytes);
}
inline void mbarrierArriveExpect(Mbarrier& barrier, unsigned bytes) {
  mbarrierExpect(barrier, bytes);
  mbarrierArrive(barrier);
}
inline void mbarrierArriveAfterCopies(Mbarrier& barrier) {
  lab_simt::hopper().mbarrierArriveAfterCopies(sharedAddress(&barrier));
}

inline bool mbarrierTryWait(Mbarrier& barrier, unsigned parity) {
  const unsigned address = sharedAddress(&barrier);
  if (!lab_simt::hopper().mbarrierTest(address, parity)) {
    // Code asks again and again: the others must get on meanwhile.
    lab_simt::yield();
    return lab_simt::hopper().mbarrierTest(address, parity) != 0;
  }
  return true;
}
inline void mbarrierWait(Mbarrier& barrier, unsigned parity) {
  lab_simt::hopper().mbarrierWait(sharedAddress(&barrier), parity);
}

}  // namespace lab
