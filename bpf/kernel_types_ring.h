/* SPDX-License-Identifier: GPL-2.0-only */
/* Of io_uring: as kernel_types.h, which includes this. */
#ifndef NSWARDEN_KERNEL_TYPES_RING_H
#define NSWARDEN_KERNEL_TYPES_RING_H

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct io_cqe {
	int res;
};

struct io_kiocb {
	struct file *file;
	struct io_cqe cqe;
};

/* Up to 5.18. */
struct io_kiocb___old {
	u32 result;
};

/* What io_uring is asked to do lies at the beginning of struct io_kiocb. */
struct io_open {
	u32 file_slot;
	struct open_how how;
};

struct io_rename {
	int flags;
};

struct io_link {
	int flags;
};

struct io_unlink {
	int flags;
};

struct io_mkdir {
	unsigned short mode;
};

struct xattr_name;

struct xattr_ctx {
	struct xattr_name *kname; /* a text */
	unsigned int flags;
};

struct io_xattr {
	struct xattr_ctx ctx;
};

struct io_sync {
	s64 len, off;
	int mode;
};

struct io_ftrunc {
	s64 len;
};

struct io_socket {
	int domain, type, protocol;
};

struct io_listen {
	int backlog;
};

struct delayed_filename {
	struct filename *__incomplete_filename;
};

/* The names in them: since 7.0 of another type. */
#define IO_NAMES(suffix, type)         \
	struct io_open##suffix {       \
		type filename;         \
	};                             \
	struct io_rename##suffix {     \
		type oldpath, newpath; \
	};                             \
	struct io_link##suffix {       \
		type oldpath, newpath; \
	};                             \
	struct io_unlink##suffix {     \
		type filename;         \
	};                             \
	struct io_mkdir##suffix {      \
		type filename;         \
	};                             \
	struct io_xattr##suffix {      \
		type filename;         \
	};
typedef struct filename *filename_pointer;
IO_NAMES(___plain, filename_pointer)
IO_NAMES(___delayed, struct delayed_filename)

#pragma clang attribute pop

#endif
