/// assert() of a kernel: a failed one ends the device and names file and line. Like the standard's, it can be included
/// again after NDEBUG has changed.
#undef assert
#ifdef NDEBUG
#define assert(...) (static_cast<void>(0))
#else
#define assert(...)            \
  ((__VA_ARGS__) ? static_cast<void>(0) \
                 : __lab_assert_fail("assertion failed: " #__VA_ARGS__, __FILE__, static_cast<unsigned>(__LINE__)))
#endif
