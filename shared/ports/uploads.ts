/** What somebody without any other right on the bucket may send, once or again, and how. */
export interface UploadPlace {
  url: string;
  method: 'PUT';
  /** Headers that the request must have, just so. */
  headers: Readonly<Record<string, string>>;
  /** RFC 3339 UTC. */
  expiration: string;
}

export interface Upload {
  /** Bytes, exactly. */
  size: number;
  contentType: string;
}

/** A presigned URL of S3 on AWS; a signed token in one process. Nothing of it is read here. */
export interface Uploads {
  /** Lets its holder put one object of that size and type under a key below `uploads/`, for an hour. */
  place(key: string, upload: Upload): Promise<UploadPlace>;
}

/** Where uploads lie in the bucket. */
export const UPLOADS = 'uploads/';
/** Seconds for which a place can be used. */
export const PLACE_LIFE = 3600;
