/* All of math.h that the runtime takes from a platform without a C library. */
#define INFINITY __builtin_inff()
