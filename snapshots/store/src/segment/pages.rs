//! Pages of a column chunk, unpacked.
//!
//! The reader of Parquet makes a decompressor and a compressor for each chunk, some
//! 100 KB each, although most of our chunks are smaller than that: a tenth of the
//! time of reading a snapshot, and most of it for the history of one resource.
//! Here it is told that nothing is packed, and what it hands out is unpacked by
//! one decompressor for each thread.

use std::cell::RefCell;

use bytes::Bytes;
use parquet::basic::{Compression, CompressionCodec};
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::reader::ChunkReader;
use parquet::file::serialized_reader::SerializedPageReader;
use zstd::bulk::Decompressor;

thread_local! {
    static ZSTD: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// Reads the pages of a chunk that was packed with zstd.
struct Packed<R: ChunkReader> {
    pages: SerializedPageReader<R>,
    /// What all pages together unpack to, headers included: none of them to more.
    most: usize,
}

/// A reader of the pages of a chunk of `rows` rows.
pub(super) fn pages<R: ChunkReader + 'static>(
    bytes: std::sync::Arc<R>,
    chunk: &ColumnChunkMetaData,
    rows: usize,
) -> Result<Box<dyn PageReader>> {
    if chunk.compression_codec() != CompressionCodec::ZSTD {
        return Ok(Box::new(SerializedPageReader::new(bytes, chunk, rows, None)?));
    }
    let most = usize::try_from(chunk.uncompressed_size())?;
    let plain = chunk.clone().into_builder().set_compression(Compression::UNCOMPRESSED).build()?;
    Ok(Box::new(Packed { pages: SerializedPageReader::new(bytes, &plain, rows, None)?, most }))
}

impl<R: ChunkReader> Packed<R> {
    fn unpack(&self, page: Page) -> Result<Page> {
        Ok(match page {
            Page::DataPage {
                buf,
                num_values,
                encoding,
                def_level_encoding,
                rep_level_encoding,
                statistics,
            } => Page::DataPage {
                buf: unpack(&buf, self.most)?,
                num_values,
                encoding,
                def_level_encoding,
                rep_level_encoding,
                statistics,
            },
            Page::DictionaryPage { buf, num_values, encoding, is_sorted } => Page::DictionaryPage {
                buf: unpack(&buf, self.most)?,
                num_values,
                encoding,
                is_sorted,
            },
            // We never wrote any; levels stand unpacked in them.
            Page::DataPageV2 { .. } => {
                return Err(ParquetError::General("it has pages of another format".to_owned()));
            }
        })
    }
}

fn unpack(packed: &[u8], most: usize) -> Result<Bytes> {
    let size = zstd::zstd_safe::get_frame_content_size(packed).ok().flatten();
    let size = size.and_then(|size| usize::try_from(size).ok()).filter(|size| *size <= most);
    let size = size.ok_or_else(|| ParquetError::General("a page has no size".to_owned()))?;
    ZSTD.with_borrow_mut(|kept| {
        let zstd = match kept {
            Some(zstd) => zstd,
            None => kept.insert(Decompressor::new()?),
        };
        Ok(zstd.decompress(packed, size)?.into())
    })
}

impl<R: ChunkReader> Iterator for Packed<R> {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl<R: ChunkReader> PageReader for Packed<R> {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        self.pages.get_next_page()?.map(|page| self.unpack(page)).transpose()
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.pages.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.pages.skip_next_page()
    }

    fn supports_deferred_dictionary(&self) -> bool {
        self.pages.supports_deferred_dictionary()
    }

    fn take_deferred_dictionary(&mut self) -> Result<Option<Page>> {
        self.pages.take_deferred_dictionary()?.map(|page| self.unpack(page)).transpose()
    }

    fn at_record_boundary(&mut self) -> Result<bool> {
        self.pages.at_record_boundary()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_unpacks_to_what_was_packed_and_to_no_more_than_its_chunk_says() {
        for text in [b"".as_slice(), b"one", &[7; 100_000]] {
            let packed = zstd::bulk::compress(text, 3).unwrap();
            assert_eq!(unpack(&packed, text.len()).unwrap(), text);
            if let Some(less) = text.len().checked_sub(1) {
                assert!(unpack(&packed, less).is_err(), "{less}");
            }
            let cut = packed.split_last().unwrap().1;
            assert!(unpack(cut, 1 << 20).is_err(), "{} bytes", text.len());
        }
        assert!(unpack(b"no zstd at all", 1 << 20).is_err());
        assert!(unpack(b"", 1 << 20).is_err());
    }
}
