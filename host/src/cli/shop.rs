//! What `serve` is told of the shop in front of it: the currency of its orders, and where its carts are asked about.

use std::io::Read as _;
use std::path::Path;

use super::failure::Failure;
use super::settings::Settings;
use crate::HostBuilder;
use crate::currency::lookup;
use crate::service::CartCallback;

/// Bytes that are read of the secret's file: hundreds more than a secret has.
const FILE_BYTES_MAX: u64 = 1_024;

/// Gives a host what it was told of its shop.
pub(super) fn given(mut builder: HostBuilder, settings: &Settings) -> Result<HostBuilder, Failure> {
    if let Some(code) = &settings.default_currency {
        let currency = lookup(code).map_err(|error| Failure::new(format!("default_currency: {error}")))?;
        builder = builder.default_currency(currency);
    }
    match (&settings.cart_source_url, &settings.cart_source_secret_file) {
        (None, None) => Ok(builder),
        (Some(url), Some(file)) => {
            Ok(builder.cart_source(CartCallback::new(url, &read(file)?).map_err(Failure::from)?))
        }
        (Some(_), None) => Err(Failure::new("cart_source_url is told, and no cart_source_secret_file").next(
            "make one: printf 'whsec_%s' \"$(openssl rand -base64 32)\" > cart.secret; and give it to the shop, too",
        )),
        (None, Some(_)) => Err(Failure::new("cart_source_secret_file is told, and no cart_source_url")
            .next("say where the shop answers: --cart-source-url https://shop.example/tillbox")),
    }
}

fn read(path: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(FILE_BYTES_MAX).read_to_string(&mut text));
    let shown = path.display();
    read.map_err(|error| Failure::because(format!("the shop's secret cannot be read from {shown}"), &error))?;
    Ok(text)
}
